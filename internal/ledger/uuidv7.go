package ledger

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// This file creates UUIDv7 (RFC 9562) IDs. The IDs of each user ascend even if the clock stops or goes back. They are
// identifiers, not secrets.

// nextID returns a new ID that is greater than last. It has the time now, unless last is greater than such an ID: then
// it is slightly greater than last.
func nextID(last uuid.UUID, now time.Time) uuid.UUID {
	id := newID(now)
	if uuidAfter(id, last) {
		return id
	}
	return addUUID(last, 1+rand.Uint64N(1<<48))
}

// newID returns a UUIDv7 with the given time.
func newID(t time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(t.UnixMilli())<<16|0x7000|rand.Uint64N(1<<12))
	binary.BigEndian.PutUint64(id[8:], 1<<63|rand.Uint64N(1<<62))
	return id
}

// addUUID returns the UUIDv7 that is n greater than id, with time and random bits as one number. n must be less than
// 2^62.
func addUUID(id uuid.UUID, n uint64) uuid.UUID {
	const lowMask = 1<<62 - 1
	high, low := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])&lowMask+n
	if low > lowMask {
		low &= lowMask
		time, random := high>>16, high&(1<<12-1)+1
		if random == 1<<12 {
			time, random = time+1, 0
		}
		high = time<<16 | 0x7000 | random
	}
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], 1<<63|low)
	return id
}

// uuidAfter reports whether a is greater than b, in the order of Postgres.
func uuidAfter(a, b uuid.UUID) bool { return string(a[:]) > string(b[:]) }

// uuidTime returns the time of a UUIDv7, in milliseconds.
func uuidTime(id uuid.UUID) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16))
}
