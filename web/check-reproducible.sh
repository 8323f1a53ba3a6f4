#!/usr/bin/env bash
# Builds the app twice and compares the results. The same sources must give the same bytes; otherwise the committed
# web/dist could not be verified against web/src.
set -euo pipefail
cd "$(dirname "$0")"
first_build=$(mktemp -d)
trap 'rm -rf "$first_build"' EXIT
npm run -s build
cp -r dist "$first_build/dist"
npm run -s build >/dev/null
diff -r "$first_build/dist" dist
echo "both builds are identical"
