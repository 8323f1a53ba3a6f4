package postgres

import (
	"strings"
	"testing"
)

func TestWithoutPassword(t *testing.T) {
	t.Parallel()
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
		"host=h dbname=d":                         "host=h dbname=d",
	} {
		target, password := WithoutPassword(database)
		if target != want {
			t.Errorf("WithoutPassword(%s) = %s, want %s", database, target, want)
		}
		if strings.Contains(database, "s3") != (password != "") {
			t.Errorf("WithoutPassword(%s) returned the password %q", database, password)
		}
		if _, err := ParseConfig(target); err != nil {
			t.Errorf("the result %s is invalid: %v", target, err)
		}
	}
	if target, password := WithoutPassword("postgres://u:s3cr@etpw@h/d"); target != "" || password != "" {
		t.Errorf("an invalid URL: got %q, %q; want empty strings", target, password)
	}
}
