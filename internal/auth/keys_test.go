package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

const (
	secret      = "Yh2cQm9tR7vLx0KpWz4eNfJb6sUoAi3d"
	otherSecret = "G8rTnVq5wDk1XsBy7hMzCj2uEa9fPo4L"
)

var (
	now     = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	session = uuid.MustParse("0199c0de-1234-7abc-8def-0123456789ab")
)

// newKeys derives keys from a secret and fails the test on an error.
func newKeys(t testing.TB, secret string) *Keys {
	t.Helper()
	k, err := NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestNewKeys_rejectsWeakSecrets(t *testing.T) {
	for secret, want := range map[string]string{
		"":                                       "shorter than 32 bytes",
		secret[:31]:                              "shorter than 32 bytes",
		secret[:20] + strings.Repeat(" ", 20):    "shorter than 32 bytes",
		strings.Repeat("a", 64):                  "fewer than 10 different",
		strings.Repeat("abc123", 10) + "ABC":     "fewer than 10 different",
		strings.Repeat(secret[:16], 2):           "repetition",
		strings.Repeat(secret[:16], 2) + "\n":    "repetition",
		strings.Repeat(secret[:12], 4)[:40]:      "repetition",
		strings.Repeat(secret[:11]+"-", 3):       "repetition",
		"change-me-" + secret:                    "sample",
		secret + "ChangeMe":                      "sample",
		"C h_a.n-g:e m/e " + secret:              "sample",
		"replace this with 32 bytes of noise!":   "sample",
		"your-256-bit-secret-your-own-is-best":   "sample",
		"an example of a value to put in here":   "sample",
		"this is my very secret key, no kidding": "sample",
		"MyVeryInsecureKeyForTheLaboratory12":    "sample",
		"Passw0rd! is not a Password, is it ok":  "sample",
		"0123456789abcdef0123456789ABCDEF":       "sample",
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJ":   "sample",
		"qwertyuiop[]asdfghjkl;'zxcvbnm,./123":   "sample",
	} {
		k, err := NewKeys(secret)
		if err == nil || k != nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "32 random bytes") {
			t.Errorf("the secret %q: %v; want %q", secret, err, want)
			continue
		}
		if secret != "" && strings.Contains(err.Error(), strings.TrimSpace(secret)) {
			t.Errorf("the error quotes the secret: %v", err)
		}
	}
}

// The generator is seeded, because about one in 10^6 random secrets contains a weak pattern.
func TestNewKeys_acceptsRandomSecrets(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	raw := make([]byte, 32)
	encoders := []func([]byte) string{
		hex.EncodeToString, base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString,
		func(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) },
	}
	for range 100_000 {
		_, _ = random.Read(raw)
		for _, encoder := range encoders {
			if err := validateSecret(encoder(raw)); err != nil {
				t.Errorf("%s: %v", encoder(raw), err)
			}
		}
	}
	seen := map[string]bool{}
	for range 1000 {
		s := NewSecret()
		if _, err := NewKeys(s); err != nil || len(s) != 43 || seen[s] {
			t.Errorf("NewSecret returns %q (seen before: %t): %v", s, seen[s], err)
		}
		seen[s] = true
	}
}

// All keys differ, and they depend on the secret alone.
func TestNewKeys_derivesDistinctKeys(t *testing.T) {
	a, again, b := newKeys(t, secret), newKeys(t, secret), newKeys(t, otherSecret)
	if !bytes.Equal(a.access(), again.access()) || !bytes.Equal(a.refresh(), again.refresh()) {
		t.Error("the same secret gives different keys")
	}
	seen := map[string]bool{secret: true, otherSecret: true}
	for _, key := range [][]byte{a.access(), a.refresh(), b.access(), b.refresh()} {
		if len(key) != 32 || seen[string(key)] {
			t.Errorf("the key has %d bytes, seen before: %t", len(key), seen[string(key)])
		}
		seen[string(key)] = true
	}
}

// No printing verb, logger or encoder shows a key, even inside other values.
func TestKeys_areRedacted(t *testing.T) {
	k := newKeys(t, secret)
	var out strings.Builder
	type holder struct {
		Keys *Keys
		keys *Keys
		same Keys
	}
	h := holder{k, k, *k}
	for _, value := range []any{k, *k, h, &h, []*Keys{k}, []Keys{*k}, map[string]Keys{"a": *k}, struct{ any }{*k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d", "%c", "%o", "%b", "%U"} {
			_, _ = fmt.Fprintf(&out, verb+"\n", value)
		}
		_, _ = fmt.Fprintln(&out, value, fmt.Errorf("with %v", value))
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(handler).Info("hello", "value", value, slog.Group("group", "value", value))
		}
		text, _ := json.Marshal(value)
		out.Write(text)
	}
	for _, value := range []any{k, *k} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			if got := fmt.Sprintf(verb, value); got != redacted {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
	// k and *k are logged twice each; the other values are structs, slices and maps.
	for _, line := range []string{`value=` + redacted, `"value":"` + redacted + `"`} {
		if n := strings.Count(out.String(), line); n != 4 {
			t.Errorf("%s is logged %d times, want 4", line, n)
		}
	}
	for name, key := range map[string][]byte{"secret": []byte(secret), "access": k.access(), "refresh": k.refresh()} {
		for verb, format := range map[string]string{"%v": "[]", "%d": "[]", "%x": "", "%X": "", "%s": "", "%q": `"`,
			"%o": "[]", "%b": "[]", "%U": "[]"} {
			text := strings.Trim(fmt.Sprintf(verb, key[:8]), format)
			if strings.Contains(out.String(), text) {
				t.Errorf("%s shows the %s key", verb, name)
			}
		}
		for _, text := range []string{base64.StdEncoding.EncodeToString(key)[:12],
			fmt.Sprintf("%#x, %#x", key[0], key[1])} {
			if strings.Contains(out.String(), text) {
				t.Errorf("the output shows the %s key: %s", name, text)
			}
		}
	}
}
