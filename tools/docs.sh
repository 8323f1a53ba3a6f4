#!/bin/sh
# Copies Redoc, the renderer of the API reference page, from its npm package
# into api/docs/, which the server embeds.
#
#   tools/docs.sh                 npm ci, then copy
#   tools/docs.sh --check         npm ci, then only compare; exits with 1 if a file differs
#   tools/docs.sh --no-install    (with either) use the existing node_modules
set -eu

cd "$(dirname "$0")"
check=0 install=1
for arg in "$@"; do
	case $arg in
	--check) check=1 ;;
	--no-install) install=0 ;;
	*)
		echo "usage: docs.sh [--check] [--no-install]" >&2
		exit 2
		;;
	esac
done

[ "$install" = 0 ] || npm ci

package=node_modules/redoc
docs=../api/docs
stale=0
# The bundle's first line names the .LICENSE.txt file, so the file keeps its name.
while read -r from to; do
	if [ "$check" = 0 ]; then
		cp "$package/$from" "$docs/$to"
		chmod 644 "$docs/$to"
	elif ! cmp "$package/$from" "$docs/$to"; then
		stale=1
	fi
done <<'FILES'
bundles/redoc.standalone.js redoc.standalone.js
bundles/redoc.standalone.js.LICENSE.txt redoc.standalone.js.LICENSE.txt
LICENSE LICENSE.redoc
FILES

[ "$stale" = 0 ] || echo "api/docs differs from the version in tools/package-lock.json: run tools/docs.sh" >&2
exit "$stale"
