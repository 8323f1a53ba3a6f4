package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// BenchmarkTextTypes measures what registering the text types costs each new connection.
func BenchmarkTextTypes(b *testing.B) {
	b.ReportAllocs()
	b.ReportMetric(float64(len(textTypes())), "types")
	for b.Loop() {
		pgtype.NewMap().RegisterTypes(textTypes())
	}
}

// BenchmarkArrayParameter compares encoding an array parameter as text, as Open does, with pgx's binary
// default.
func BenchmarkArrayParameter(b *testing.B) {
	ids := make([]int64, 10_000)
	for i := range ids {
		ids[i] = int64(i) * 1_000_003
	}
	for name, types := range map[string][]*pgtype.Type{"text": textTypes(), "binary": nil} {
		b.Run(name, func(b *testing.B) {
			m := pgtype.NewMap()
			m.RegisterTypes(types)
			buf := make([]byte, 0, 1<<20)
			for b.Loop() {
				if _, err := m.Encode(pgtype.Int8ArrayOID, m.FormatCodeForOID(pgtype.Int8ArrayOID), ids, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
