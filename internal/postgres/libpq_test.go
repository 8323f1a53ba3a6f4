package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestForLibpq(t *testing.T) {
	t.Setenv("PGOPTIONS", "")
	for database, want := range map[string]string{
		"postgres://u:s3cret@h/d":                                 "postgres://u@h/d",
		"postgres://u:s3cret@h:1,i:2/d?sslmode=disable":           "postgres://u@h:1,i:2/d?sslmode=disable",
		"postgresql://u:s3%40cret@[::1]:5432/d":                   "postgresql://u@[::1]:5432/d",
		"postgres://u@/d?host=/tmp&password=s3cret&sslmode=allow": "postgres://u@/d?host=/tmp&sslmode=allow",
		"postgres://u@/d?host=/tmp&p%61ssword=s3cret":             "postgres://u@/d?host=/tmp",
		"postgres://h/d":                          "postgres://h/d",
		"postgres:///d?host=/tmp":                 "postgres:///d?host=/tmp",
		"host=h user=u password=s3cret dbname=d":  "host=h user=u  dbname=d",
		`host=h password = 's3 \' cret' dbname=d`: "host=h  dbname=d",
		"host=h password=s3://cret dbname=d":      "host=h  dbname=d",
		"host=h dbname=d":                         "host=h dbname=d",
		"host=h dbname='a password=b'":            "host=h dbname='a password=b'",

		"postgres://h/d?default_query_exec_mode=cache_describe&pool_max_conns=4": "postgres://h/d",
		"postgres://h/d?pool_min_conns=1&application_name=a&krbspn=x":            "postgres://h/d?application_name=a",
		"host=h statement_cache_capacity=5 description_cache_capacity=5":         "host=h  ",
		"postgres://h/d?statement_timeout=5s&TimeZone=Asia/Tokyo": "postgres://h/d" +
			" | -c TimeZone=Asia/Tokyo -c statement_timeout=5s",
		"postgres://h/d?search_path=a,%20b%5Cc": `postgres://h/d | -c search_path=a,\ b\\c`,
		"host=h search_path = 'a, b' dbname=d":  `host=h  dbname=d | -c search_path=a,\ b`,
		"postgres://h/d?options=-c%20geqo%3Doff&lock_timeout=1s": "postgres://h/d" +
			" |-c geqo=off -c lock_timeout=1s",
		"postgres://h/d?client_encoding=LATIN1": "postgres://h/d?client_encoding=LATIN1",
	} {
		target, password, options := ForLibpq(database)
		got := target
		if options != "" {
			got += " |" + options
		}
		if got != want {
			t.Errorf("ForLibpq(%s) = %s, want %s", database, got, want)
		}
		if strings.Contains(database, "s3") != (password != "") {
			t.Errorf("ForLibpq(%s) returned the password %q", database, password)
		}
	}
	target, password, options := ForLibpq("postgres://u:s3cr@etpw@h/d")
	if target != "" || password != "" || options != "" {
		t.Errorf("an invalid URL: got %q, %q, %q; want empty strings", target, password, options)
	}
	t.Setenv("PGOPTIONS", "-c geqo=off")
	if _, _, options := ForLibpq("postgres://h/d?lock_timeout=1s"); options != "-c geqo=off -c lock_timeout=1s" {
		t.Errorf("options %q: want those of PGOPTIONS first", options)
	}
}

// FuzzForLibpq checks that the target names the same database, and neither the password nor a setting that libpq does
// not know.
func FuzzForLibpq(f *testing.F) {
	for _, seed := range []string{
		"postgres://u:pw@h:1,i:2/d?sslmode=disable&pool_max_conns=4&search_path=x",
		`host=h password = 'p \' w' dbname=d TimeZone=UTC`,
		"host=h password=a://b", "postgres://u@/d?host=/tmp&p%61ssword=x", "user= dbname=x", `user=a\`, "a=b\vc=d",
		"postgres://u@h:1,/d? x=0&y=&z=", "postgres://u@/d?x=0&y+=", "postgres://@:,@", "postgres://?@&",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, database string) {
		want, err := ParseConfig(database)
		if err != nil {
			t.Skip()
		}
		target, password, _ := ForLibpq(database)
		got, err := pgx.ParseConfig(target)
		if err != nil {
			t.Fatalf("%q became %q: %v", database, target, err)
		}
		if got.Host != want.Host || got.Port != want.Port || got.User != want.User || got.Database != want.Database {
			t.Errorf("%q became %q, which is another database", database, target)
		}
		if password != want.Password || want.Password != "" && got.Password == want.Password {
			t.Errorf("%q became %q with the password %q", database, target, password)
		}
		for name := range got.RuntimeParams {
			switch name {
			case "application_name", "client_encoding", "replication":
			default:
				t.Errorf("%q became %q, which has the setting %s", database, target, name)
			}
		}
	})
}
