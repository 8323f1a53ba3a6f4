package ledger

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
)

// This file makes ids: UUIDv7 (RFC 9562), ascending for each user whatever the clock does. They name, they guard nothing.

// nextID returns a new id that is greater than last: of the time now, or, where the clock has not passed last's time, a little above last.
func nextID(last uuid.UUID, now time.Time) uuid.UUID {
	id := newID(now)
	if uuidAfter(id, last) {
		return id
	}
	return addUUID(last, 1+rand.Uint64N(1<<48))
}

// newID returns a UUIDv7 of a time.
func newID(now time.Time) (id uuid.UUID) {
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|0x7000|rand.Uint64N(1<<12))
	binary.BigEndian.PutUint64(id[8:], 1<<63|rand.Uint64N(1<<62))
	return id
}

// addUUID returns the UUIDv7 that lies n above another one. n must be less than 2^62.
func addUUID(id uuid.UUID, n uint64) uuid.UUID {
	const low = 1<<62 - 1
	high, tail := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])&low+n
	if tail > low {
		tail &= low
		time, random := high>>16, high&(1<<12-1)+1
		if random == 1<<12 {
			time, random = time+1, 0
		}
		high = time<<16 | 0x7000 | random
	}
	binary.BigEndian.PutUint64(id[:8], high)
	binary.BigEndian.PutUint64(id[8:], 1<<63|tail)
	return id
}

// uuidAfter tells whether a comes after b.
func uuidAfter(a, b uuid.UUID) bool { return string(a[:]) > string(b[:]) }

// uuidTime is the time in a UUIDv7.
func uuidTime(id uuid.UUID) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16))
}
