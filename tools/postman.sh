#!/bin/sh
# Sends every request of the Postman collection to a new server with mock data, on a free port. Sends all of them
# again, as an admin, to a server that requires sign-in. Fails if a request fails or is missing, and deletes all data
# afterwards.
#
#   tools/postman.sh [options of newman]
set -eu
cd "$(dirname "$0")/.."
collection=postman/labledger.postman_collection.json

work=$(mktemp -d)
server=
stop() {
	[ -n "$server" ] || return 0
	pid=$server server=
	kill -TERM "$pid" 2>/dev/null || true
	(trap 'kill $!; exit' TERM; sleep 30 & wait; kill -KILL "$pid") >/dev/null 2>&1 &
	limit=$!
	ended=0
	wait "$pid" || ended=1
	kill "$limit" 2>/dev/null || true
	if [ "$ended" = 1 ]; then
		echo "the server did not stop cleanly; its log:" >&2
		tail -n 30 "$work/log" >&2
	fi
	return "$ended"
}
finish() {
	status=$?
	trap '' INT TERM HUP
	trap - EXIT
	stop || [ "$status" != 0 ] || status=1
	rm -rf "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

chmod 755 "$work" # as root, the embedded Postgres runs as another user
go build -buildvcs=false -o "$work/labledger" .

# Ignore databases, keys and proxies from the caller's environment.
unset DATABASE_URL READ_DATABASE_URL JWT_SECRET JWT_SECRET_FILE REGISTRATION
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY

for auth in open required; do
	echo "AUTH=$auth"
	export STATE_DIR="$work/$auth"
	env HOST=127.0.0.1 PORT=0 AUTH="$auth" LOG_LEVEL=info LOG_FORMAT=text "$work/labledger" >"$work/log" 2>&1 &
	server=$!

	url= tries=0
	until [ -n "$url" ] && curl -sf -o /dev/null --max-time 1 "$url/readyz"; do
		tries=$((tries + 1))
		if [ "$tries" -gt 120 ] || ! kill -0 "$server" 2>/dev/null; then
			echo "the server is not ready; its log:" >&2
			cat "$work/log" >&2
			exit 1
		fi
		sleep 0.5
		url=$(sed -n 's/^Labledger listens on //p' "$work/log")
	done

	tokens='{}'
	if [ "$auth" = required ]; then
		password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')
		echo "$password" | "$work/labledger" user create postman --role admin
		tokens=$(echo "{\"username\": \"postman\", \"password\": \"$password\"}" |
			curl -sf "$url/auth/login" -H 'Content-Type: application/json' --data-binary @-)
	fi
	TOKENS=$tokens node - "$collection" >"$work/collection.json" <<'EOS'
const all = JSON.parse(require("fs").readFileSync(process.argv[2]));
all.variable.find(({ key }) => key === "access_token").value = JSON.parse(process.env.TOKENS).access_token ?? "";
console.log(JSON.stringify(all));
EOS

	tools/node_modules/.bin/newman run "$work/collection.json" --env-var baseUrl="$url" \
		--timeout 180000 --timeout-request 15000 --timeout-script 5000 \
		--reporters cli,json --reporter-cli-no-banner --reporter-json-export "$work/report.json" "$@"

	# A script in a request can skip other requests, and an empty collection passes.
	node - "$collection" "$work/report.json" <<'EOS'
const [collection, { run }] = process.argv.slice(2).map((file) => JSON.parse(require("fs").readFileSync(file)));
const count = ({ item }) => (item ? item.reduce((n, i) => n + count(i), 0) : 1);
const { requests, assertions } = run.stats;
if (count(collection) === 0 || requests.total < count(collection) || assertions.total < count(collection)) {
	console.error(`the collection has ${count(collection)} requests; ${requests.total} were sent and ${assertions.total} assertions ran`);
	process.exit(1);
}
EOS
	stop
done
