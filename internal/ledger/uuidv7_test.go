package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"labledger/internal/pgtest"
)

// uuidProblem returns why an ID is not a UUIDv7 of RFC 9562, or "".
func uuidProblem(id uuid.UUID) string {
	switch {
	case id.Version() != 7:
		return fmt.Sprint("version ", id.Version())
	case id.Variant() != uuid.RFC4122:
		return fmt.Sprint("variant ", id.Variant())
	}
	return ""
}

// uuidBits returns the time and the 74 random bits of a UUIDv7 as one number: addUUID adds to it.
func uuidBits(id uuid.UUID) *big.Int {
	n := new(big.Int).SetUint64(binary.BigEndian.Uint64(id[:8]) >> 16)
	n.Lsh(n, 12).Or(n, new(big.Int).SetUint64(binary.BigEndian.Uint64(id[:8])&0xfff))
	return n.Lsh(n, 62).Or(n, new(big.Int).SetUint64(binary.BigEndian.Uint64(id[8:])&(1<<62-1)))
}

func drawID(t *rapid.T, name string) (id uuid.UUID) {
	time := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(1_700_000_000_000, 1_900_000_000_000),
		rapid.Uint64Range(1<<47, 1<<48-10)).Draw(t, name+" time")
	high := rapid.OneOf(rapid.Uint64Range(0, 1<<12-1), rapid.Just(uint64(1<<12-1))).Draw(t, name+" high")
	low := rapid.OneOf(rapid.Uint64Range(0, 1<<62-1), rapid.Uint64Range(1<<62-3, 1<<62-1),
		rapid.Uint64Range(0, 2)).Draw(t, name+" low")
	binary.BigEndian.PutUint64(id[:8], time<<16|0x7000|high)
	binary.BigEndian.PutUint64(id[8:], 1<<63|low)
	return id
}

func TestAddUUID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := drawID(t, "id")
		n := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 1<<62-1),
			rapid.Just(uint64(1<<62-1))).Draw(t, "n")
		sum := addUUID(id, n)
		if problem := uuidProblem(sum); problem != "" {
			t.Fatalf("%s + %d = %s: %s", id, n, sum, problem)
		}
		if want := new(big.Int).Add(uuidBits(id), new(big.Int).SetUint64(n)); uuidBits(sum).Cmp(want) != 0 {
			t.Fatalf("%s + %d = %s, with bits %s; want %s", id, n, sum, uuidBits(sum), want)
		}
		if uuidAfter(sum, id) != (n > 0) {
			t.Fatalf("%s is not greater than %s", sum, id)
		}
	})
}

func TestUUIDAfter_matchesPostgres(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t)
	rapid.Check(t, func(r *rapid.T) {
		a, b := drawID(r, "a"), drawID(r, "b")
		if rapid.Bool().Draw(r, "near") {
			b = addUUID(a, rapid.Uint64Range(0, 2).Draw(r, "by"))
		}
		want := pgtest.QueryValue[bool](t, pool, "SELECT $1::uuid > $2::uuid", a, b)
		if got := uuidAfter(a, b); got != want {
			r.Fatalf("%s > %s: got %v, Postgres returns %v", a, b, got, want)
		}
	})
}

func TestNextID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		last := drawID(t, "last")
		if rapid.IntRange(0, 9).Draw(t, "first") == 0 {
			last = uuid.Nil
		}
		now := time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "now"))
		if rapid.Bool().Draw(t, "at last") && last != uuid.Nil {
			now = uuidTime(last).Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "off")) * time.Millisecond)
			now = time.UnixMilli(max(0, now.UnixMilli()))
		}
		id := nextID(last, now)
		if problem := uuidProblem(id); problem != "" {
			t.Fatalf("%s: %s", id, problem)
		}
		if !uuidAfter(id, last) {
			t.Fatalf("%s is not greater than %s", id, last)
		}
		if last == uuid.Nil || now.After(uuidTime(last)) {
			if !uuidTime(id).Equal(now) {
				t.Fatalf("%s has time %s, want %s", id, uuidTime(id).UTC(), now.UTC())
			}
		} else if off := uuidTime(id).Sub(uuidTime(last)); off > time.Millisecond {
			t.Fatalf("with a stopped clock, the new ID is %s ahead of %s", off, last)
		}
	})
}

// badClock returns a clock that jumps, stops and goes back.
func badClock() func() time.Time {
	start := time.Now()
	var n atomic.Int64
	return func() time.Time {
		switch i := n.Add(1); i % 5 {
		case 0:
			return start
		case 1:
			return start.Add(-time.Duration(i) * time.Second)
		case 2:
			return start.Add(time.Duration(i) * time.Millisecond)
		case 3:
			return start.Add(-24 * time.Hour)
		default:
			return start.Add(time.Minute)
		}
	}
}

// TestIDsAscend records alternately and concurrently at two instances with wrong clocks.
func TestIDsAscend(t *testing.T) {
	t.Parallel()
	stopped := func(ms int64) func() time.Time { return func() time.Time { return time.UnixMilli(ms) } }
	for name, clocks := range map[string][2]func() time.Time{
		"stopped":     {stopped(1_800_000_000_000), stopped(1_800_000_000_000)},
		"wild":        {badClock(), badClock()},
		"one is slow": {time.Now, func() time.Time { return time.Now().Add(-time.Hour) }},
		"at 1970":     {stopped(0), stopped(0)},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := twoInstances(t)
			one.now, two.now = clocks[0], clocks[1]
			pool := one.pool
			last := map[int64]uuid.UUID{} // first one by one, at both instances alternately
			for i := range 300 {
				r := RecordRequest{UserID: int64(i % 3), Event: withdrawal(100+int64(i%2), int64(i)), Actor: "me"}
				got := mustRecord(t, []*Ledger{one, two}[i/2%2], r)
				if !uuidAfter(got.EventID, last[r.UserID]) {
					t.Fatalf("event %s of user %d is not greater than %s", got.EventID, r.UserID, last[r.UserID])
				}
				last[r.UserID] = got.EventID
				if got.AlertID != uuid.Nil {
					if !uuidAfter(got.AlertID, got.EventID) {
						t.Fatalf("alert %s is not greater than its event %s", got.AlertID, got.EventID)
					}
					last[r.UserID] = got.AlertID
				}
			}
			concurrently(16, func(i int) {
				for j := range 20 {
					_, err := []*Ledger{one, two}[i%2].Record(context.Background(),
						RecordRequest{UserID: int64(j % 4), Event: deposit(1, 1000), Actor: "me"})
					if err != nil {
						t.Error(err)
					}
				}
			})
			b := &Batch{Actor: "me"} // recorded after events with a later clock
			for i := range 100 {
				b.Events = append(b.Events, UserEvent{int64(i % 4), withdrawal(200, int64(2000+i))})
			}
			if _, err := two.RecordAll(t.Context(), b, false); err != nil {
				t.Error("batch:", err)
			}
			auditLedger(t, pool).requireClean(t)
			const duplicates = `SELECT count(*) - count(DISTINCT id)
				FROM (SELECT id FROM event UNION ALL SELECT id FROM alert) AS all_ids`
			if n := pgtest.QueryValue[int](t, pool, duplicates); n != 0 {
				t.Errorf("%d duplicate IDs", n)
			}
			const ids = "SELECT id::text FROM event UNION ALL SELECT id::text FROM alert"
			for _, id := range pgtest.QueryColumn(t, pool, ids) {
				if problem := uuidProblem(uuid.MustParse(id)); problem != "" {
					t.Errorf("%s: %s", id, problem)
				}
			}
		})
	}
}

// TestUUIDTime checks that newID and uuidTime agree.
func TestUUIDTime(t *testing.T) {
	t.Parallel()
	for _, ms := range []int64{0, 1, 1_700_000_000_000, math.MaxInt64 >> 16} {
		if id := newID(time.UnixMilli(ms)); uuidTime(id).UnixMilli() != ms || uuidProblem(id) != "" {
			t.Errorf("%s has time %d, want %d", id, uuidTime(id).UnixMilli(), ms)
		}
	}
}
