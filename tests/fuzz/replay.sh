#!/bin/sh
# Each fuzz target of $FUZZ_TARGETS once over its corpus, as TAP.
n=0
for target in $FUZZ_TARGETS; do
	n=$((n + 1))
	set -- "$SRCDIR/tests/fuzz/corpus/${target##*/}"/*
	if [ -e "$1" ] && "$target" "$@" >"$target.out" 2>&1; then
		echo "ok $n - ${target##*/}: $# inputs"
	else
		echo "not ok $n - ${target##*/}: $# inputs"
		sed 's/^/# /' "$target.out"
	fi
	rm -f "$target.out"
done
echo "1..$n"
[ "$n" -gt 0 ]
