# What all tests here share: the instance, and the answer of a web server that was set up as README.Debian says.

instance() {
	[ "$(stat -c '%a %U' /var/lib/polycircle)" = '700 www-data' ]
	[ -e /var/lib/polycircle/polycircle.db ] ||
		setpriv --reuid www-data --regid www-data --clear-groups \
			env POLYCIRCLE_DATA=/var/lib/polycircle polycircle init --url http://localhost/cgi-bin/polycircle.fcgi
}

health() {
	health=$(curl -sS --fail-with-body --max-time 30 --retry 5 --retry-connrefused http://localhost/cgi-bin/polycircle.fcgi/health)
	echo "$health"
	case $health in
	*'"ok":true'*) ;;
	*) exit 1 ;;
	esac
}
