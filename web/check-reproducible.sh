#!/usr/bin/env bash
# Builds the app twice and compares: the same sources must give the same bytes, or nobody could tell whether what is committed is what they say.
set -euo pipefail
cd "$(dirname "$0")"
first_build=$(mktemp -d)
trap 'rm -rf "$first_build"' EXIT
npm run -s build
cp -r dist "$first_build/dist"
npm run -s build >/dev/null
diff -r "$first_build/dist" dist
echo "both builds are the same, byte for byte"
