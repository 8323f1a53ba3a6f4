#!/bin/sh
# Takes a base backup, verifies it, and names it by the time at which it was whole. Then the newest KEEP of them stay, and the WAL that they
# need; what is older goes. It runs as the user postgres, where PostgreSQL's programs are: see recovery.md.
set -eu
archive=/archive
keep=${KEEP:-4}

find "$archive/base" -maxdepth 1 -name '.part-*' -mtime +1 -exec rm -rf {} + # of one that was broken off
part=$(mktemp -d "$archive/base/.part-XXXXXX")
pg_basebackup --pgdata="$part" --checkpoint=fast --no-password
pg_verifybackup --quiet "$part"
base=$archive/base/$(date -u +%Y%m%dT%H%M%SZ)
test ! -e "$base" # mv would put it inside
mv "$part" "$base"
sync "$archive/base"

ls -rd "$archive"/base/2* | tail -n "+$((keep + 1))" | while read -r old; do rm -rf "$old"; done
oldest=$(ls -d "$archive"/base/2* | head -n 1)
wal=$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p' "$oldest/backup_label")
pg_archivecleanup -x .gz "$archive/wal" "$wal"

works=$(psql -Atc 'SELECT last_failed_time IS NULL OR last_archived_time > last_failed_time FROM pg_stat_archiver')
test "$works" = t || { echo "$base is whole, but the archive takes no WAL: the log of PostgreSQL says why" >&2; exit 1; }
echo "$base is whole; one can go back to any moment after ${oldest##*/}"
