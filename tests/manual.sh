#!/bin/sh
# The examples of the manual (blocks after a comment "run") do what they show: TAP. In the shown output ... stands for anything.
# usage: tests/manual.sh [PROGRAM]      default: $POLYCIRCLE_PROGRAM, else src/polycircle of the build directory
program=$(realpath "${1:-${POLYCIRCLE_PROGRAM:-src/polycircle}}") || exit 1
manual=$(realpath "$(dirname "$0")/../man/polycircle.8") || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/bin" "$dir/public_html/films" && cd "$dir" && ln -s "$program" bin/polycircle || exit 1
echo film >public_html/films/film.mp4
export PATH="$dir/bin:$PATH" POLYCIRCLE_DATA="$dir/polycircle-data" TZ=UTC
n=0 failed=0 command=

# Runs the command read so far; what it prints must fit what the manual shows.
finish() {
	[ -n "$command" ] || return 0
	n=$((n + 1))
	pattern=$(printf '%s' "$shown" | sed 's/[][*?\\]/\\&/g; s/\.\.\./*/g')
	printed=$(sh -c "$command" 2>&1) && status=0 || status=$?
	# shellcheck disable=SC2254
	case $status-$printed in
	0-$pattern) echo "ok $n - $command" ;;
	*) failed=1; printf 'not ok %s - %s\n# status %s, printed:\n' "$n" "$command" "$status"; echo "$printed" | sed 's/^/# /' ;;
	esac
	command=
}

newline='
'
sed -n '/^\.\\" run$/,/^\.Ed$/p' "$manual" >examples
while IFS= read -r line; do
	case $line in
	'$ '*) finish; command=${line#??} shown= ;;
	.*) [ "$line" != .Ed ] || finish ;;
	*) shown=$shown${shown:+$newline}$line ;;
	esac
done <examples
[ "$n" -gt 0 ] || failed=1
echo "1..$n"
exit $failed
