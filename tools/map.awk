# A linker map: bytes of each library (and of the built-in browser side) in the program.
function hex(text,  n, i) {
	for (i = 3; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return n
}
function add(section, address, size, file) {
	if (section !~ /^\.(text|rodata|data|eh_frame|gcc_except|tdata|init)/ || address !~ /[1-9a-f]/ || size !~ /^0x/) return
	if (file ~ /assets\.o\)?$/) file = "browser side, built in"
	sub(/.*\//, "", file)
	sub(/\(.*/, "", file)
	if (file !~ /\.a$|built in/) file = "start files"
	bytes[file] += hex(size)
}
/^Linker script and memory map/ { on = 1 }
!on { next }
/^ \.[^ ]+$/ { section = $1; next }
/^ \.[^ ]+ +0x[0-9a-f]+ +0x[0-9a-f]+ / { add($1, substr($2, 3), $3, $4) }
/^  +0x[0-9a-f]+ +0x[0-9a-f]+ [^ ]/ { add(section, substr($1, 3), $2, $3) }
END { for (file in bytes) printf "%9d  %s\n", bytes[file], file }
