# Reads `gcov -n`: the files of src/ with what was executed, and all of them together.
/^File / { file = $2; gsub(/'/, "", file); sub(/.*\/src\//, "src/", file) }
/^Lines executed/ && file ~ /^src\// && file ~ /\.c$/ {
	split($2, share, ":"); sub(/%/, "", share[2])
	printf "%6.1f%% of %4d  %s\n", share[2], $4, file
	done += share[2] * $4 / 100; all += $4; file = ""
}
END { printf "%6.1f%% of %4d lines\n", all ? 100 * done / all : 0, all; exit !all }
