#!/bin/sh
# Sends every request of the Postman collection to a server of its own: built here, on a free port, with the mock data in a folder that
# is deleted afterwards. It fails when a request does, and also when one was left out.
#
#   tools/postman.sh [options of newman]
set -eu
cd "$(dirname "$0")/.."
collection=postman/labledger.postman_collection.json

work=$(mktemp -d)
server=
finish() {
	status=$?
	trap '' INT TERM HUP
	trap - EXIT
	if [ -n "$server" ]; then
		kill -TERM "$server" 2>/dev/null || true
		(trap 'kill $!; exit' TERM; sleep 30 & wait; kill -KILL "$server") >/dev/null 2>&1 &
		limit=$!
		if ! wait "$server" && [ "$status" = 0 ]; then
			echo "the server did not end well; it wrote" >&2
			tail -n 30 "$work/log" >&2
			status=1
		fi
		kill "$limit" 2>/dev/null || true
	fi
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

chmod 755 "$work" # as root, its Postgres runs as another user
go build -buildvcs=false -o "$work/labledger" .

# Nothing of the caller's environment leads to another database, and nothing leads there through a proxy.
unset DATABASE_URL READ_DATABASE_URL http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY
env HOST=127.0.0.1 PORT=0 AUTH=open STATE_DIR="$work/state" LOG_LEVEL=info LOG_FORMAT=text "$work/labledger" >"$work/log" 2>&1 &
server=$!

url= tries=0
until [ -n "$url" ] && curl -sf -o /dev/null --max-time 1 "$url/readyz"; do
	tries=$((tries + 1))
	if [ "$tries" -gt 120 ] || ! kill -0 "$server" 2>/dev/null; then
		echo "the server is not ready; it wrote" >&2
		cat "$work/log" >&2
		exit 1
	fi
	sleep 0.5
	url=$(sed -n 's/^Labledger listens on //p' "$work/log")
done

status=0
tools/node_modules/.bin/newman run "$collection" --env-var baseUrl="$url" \
	--timeout 180000 --timeout-request 15000 --timeout-script 5000 \
	--reporters cli,json --reporter-cli-no-banner --reporter-json-export "$work/report.json" "$@" || status=$?
[ "$status" = 0 ] || exit "$status"

# A script in a request can leave out others, and an empty collection is green.
node - "$collection" "$work/report.json" <<'EOS'
const [there, { run }] = process.argv.slice(2).map((file) => JSON.parse(require("fs").readFileSync(file)));
const count = ({ item }) => (item ? item.reduce((n, i) => n + count(i), 0) : 1);
const { requests, assertions } = run.stats;
if (count(there) === 0 || requests.total < count(there) || assertions.total < count(there)) {
	console.error(`${count(there)} requests are there, ${requests.total} were sent, ${assertions.total} checks made`);
	process.exit(1);
}
EOS
