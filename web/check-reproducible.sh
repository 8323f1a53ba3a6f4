#!/usr/bin/env bash
# Builds the app twice and compares: the same sources must give the same bytes, or nobody could tell whether what is committed is what they say.
set -euo pipefail
cd "$(dirname "$0")"
first=$(mktemp -d)
trap 'rm -rf "$first"' EXIT
npm run -s build
cp -r dist "$first/dist"
npm run -s build >/dev/null
diff -r "$first/dist" dist
echo "both builds are the same, byte for byte"
