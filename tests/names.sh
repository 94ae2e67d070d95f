#!/bin/sh
# Files and functions that doc/ARCHITECTURE.md names, and files that doc/THREATS.md does, are there, and the version of configure.ac is the newest of NEWS and of
# the Debian package (which no tarball holds): TAP. A name that has moved is a name to correct.
cd "$(dirname "$0")/.." || exit 1
doc=doc/ARCHITECTURE.md n=0 failed=0

is() {
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
	fi
}

names=$(mktemp) || exit 1
trap 'rm -f "$names"' EXIT
grep -ohE '\b(src|htdocs|tools|tests|bench|doc|man|cgi-bin)/[A-Za-z0-9_./-]*[A-Za-z0-9]' "$doc" doc/THREATS.md | sort -u >"$names"
while read -r path; do
	test -e "$path"
	is $? "$path"
done <"$names"
grep -oE '[.]?#?[A-Za-z_]+[(][)]' "$doc" | tr -d '.()' | sort -u >"$names"
while read -r name; do
	grep -rqE "(^|[^A-Za-z0-9_#])$name\(" src htdocs --include='*.[ch]' --include='*.js'
	is $? "$name()"
done <"$names"
version=$(sed -n 's/^AC_INIT(\[polycircle\], \[\([^]]*\)\].*/\1/p' configure.ac)
sed 1q NEWS | grep -qxF -e "$version" -e "$version, unreleased"
is $? "NEWS begins with configure.ac's version, $version"
if [ -e debian ]; then
	sed 1q debian/changelog | grep -qF "polycircle ($version-"
	is $? "so does debian/changelog"
fi
[ "$n" -gt 50 ] || failed=1
echo "1..$n"
exit $failed
