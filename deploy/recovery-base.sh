#!/bin/sh
# Takes a base backup, verifies it, and names it by the time when it was complete. Keeps the newest KEEP backups and
# the WAL that they need, and deletes older ones. Run it as the user postgres, with PostgreSQL's programs on the PATH:
# see docs/recovery.md.
set -eu
archive=/archive
keep=${KEEP:-4}

find "$archive/base" -maxdepth 1 -name '.part-*' -mtime +1 -exec rm -rf {} + # left by an interrupted run
part=$(mktemp -d "$archive/base/.part-XXXXXX")
pg_basebackup --pgdata="$part" --checkpoint=fast --no-password
pg_verifybackup --quiet "$part"
# Another backup may have been complete in the same second.
while base=$archive/base/$(date -u +%Y%m%dT%H%M%SZ) && test -e "$base"; do sleep 1; done
mv "$part" "$base"
sync "$archive/base"

ls -rd "$archive"/base/2* | tail -n "+$((keep + 1))" | while read -r old; do rm -rf "$old"; done
oldest=$(ls -d "$archive"/base/2* | head -n 1)
wal=$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p' "$oldest/backup_label")
pg_archivecleanup -x .gz "$archive/wal" "$wal"

works=$(psql -Atc 'SELECT last_failed_time IS NULL OR last_archived_time > last_failed_time FROM pg_stat_archiver')
test "$works" = t || { echo "$base is complete, but archiving of WAL fails: see the PostgreSQL log" >&2; exit 1; }
echo "$base is complete; recovery is possible to any moment after ${oldest##*/}"
