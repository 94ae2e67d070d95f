#!/bin/bash
# Each rule of `make lint` that is ours can fail: a good tree passes, one with a single fault does not. TAP.
tools=$(realpath "${SRCDIR:-$(dirname "$0")/..}/tools") || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0

tree() { # a good one
	rm -rf "$dir"/src "$dir"/htdocs
	mkdir -p "$dir"/src/{circle,cli,content,handler,host,http,meet,store,transport,util} "$dir"/htdocs/{lib,elements}
	for layer in circle cli content handler host http meet store transport util; do
		printf '#include "%s/a.h"\n#include "util/a.h"\n#include <stdio.h>\n\nint f(int a) {\n    return a;\n}\n' "$layer" >"$dir/src/$layer/a.c"
		echo "int f(int a);" >"$dir/src/$layer/a.h"
	done
	touch "$dir/src/main.c" "$dir/src/main.h"
	for part in . lib elements; do echo 'let a;' >"$dir/htdocs/$part/a.js"; done
}

check() { # name, wanted status, program
	n=$((n + 1))
	if said=$("$tools/$3" "$dir" 2>&1); then status=0; else status=1; fi
	if [ "$status" = "$2" ]; then
		echo "ok $n - $3: $1"
	else
		echo "not ok $n - $3: $1"
		echo "# $said"
	fi
}

include() { # file, what it includes, wanted status
	tree
	sed -i "1i #include $2" "$dir/src/$1"
	check "$1 includes $2" "$3" lint-layers
}

names() { # file, wanted status
	tree
	echo 'int g(void) { return store_run(s, SQL_BASE_LIST); }' >>"$dir/src/$1"
	check "$1 names a statement" "$2" lint-layers
}

lines() { # file, how many, a line
	for ((i = 0; i < $2; i++)); do echo "$3"; done >>"$dir/$1"
}

tree
check 'a good tree' 0 lint-layers
check 'a good tree' 0 lint-sizes
include util/a.c '"store/a.h"' 1
include util/a.h '"http/a.h"' 1
include store/a.c '"circle/a.h"' 1
include circle/a.c '"http/a.h"' 1
include circle/a.c '"store/a.h"' 0
include circle/a.c '<sqlite3.h>' 1
include circle/a.c '"content/a.h"' 1
include content/a.c '"meet/a.h"' 1
include meet/a.c '"content/a.h"' 0
include meet/a.c '"host/a.h"' 1
include host/a.c '"meet/a.h"' 0
include host/a.c '"handler/a.h"' 1
include store/a.c '<sqlite3.h>' 0
include http/a.c '"circle/a.h"' 1
include transport/a.c '"http/a.h"' 0
include transport/a.c '"handler/a.h"' 1
include transport/a.c '<fcgiapp.h>' 0
include handler/a.c '<fcgiapp.h>' 1
include handler/a.c '"transport/a.h"' 1
include handler/a.c '"store/a.h"' 1
include handler/a.c '"host/a.h"' 0
include cli/a.c '"host/a.h"' 0
include cli/a.c '"handler/a.h"' 0
include cli/a.c '"http/a.h"' 1
include cli/a.c '"store/a.h"' 1
include main.c '"transport/a.h"' 0
for layer in store circle content meet host; do names "$layer/a.c" 0; done
for layer in handler cli http util; do names "$layer/a.c" 1; done
names main.c 1
rm -rf "$dir/src" && mkdir "$dir/src"
check 'an empty tree' 1 lint-layers
check 'an empty tree' 1 lint-sizes
for count in 48 49; do
	tree
	echo 'static int g(int a) {' >>"$dir/src/util/a.c"
	lines src/util/a.c "$count" '    a++;'
	echo '}' >>"$dir/src/util/a.c"
	check "a function of $((count + 2)) lines" $((count - 48)) lint-sizes
done
for count in 400 401; do
	tree
	: >"$dir/src/util/a.h"
	lines src/util/a.h "$count" '/* a */'
	check "a file of $count lines" $((count - 400)) lint-sizes
done
echo "1..$n"
