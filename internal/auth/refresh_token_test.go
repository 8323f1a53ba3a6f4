package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestRefreshToken_roundTrip(t *testing.T) {
	k, same := newKeys(t, secret), newKeys(t, secret)
	seen := map[string]bool{}
	for _, generation := range []int64{1, 2, 255, 256, 1 << 40, math.MaxInt64} {
		for _, s := range []uuid.UUID{session, uuid.Nil, uuid.Max} {
			want := RefreshClaims{Session: s, Generation: generation}
			token := k.SignRefreshToken(want)
			if got, err := same.ParseRefreshToken(token); err != nil || got != want || len(token) != 79 || seen[token] || same.SignRefreshToken(got) != token {
				t.Errorf("%s: %+v, %v; want %+v", token, got, err, want)
			}
			seen[token] = true
		}
	}
}

// TestParseRefreshToken_rejectsInvalid lists what must be refused, much of it sealed with the right key.
func TestParseRefreshToken_rejectsInvalid(t *testing.T) {
	k := newKeys(t, secret)
	good := k.SignRefreshToken(RefreshClaims{session, 3})
	body := func(generation uint64) []byte {
		return binary.BigEndian.AppendUint64(bytes.Clone(session[:]), generation)
	}
	raw, _ := decode(good[4:])
	odd := "" // the last of 75 characters holds two bits that mean nothing
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if other := good[:78] + string(c); other != good {
			if b, _ := base64.RawURLEncoding.DecodeString(other[4:]); bytes.Equal(b, raw) {
				odd = other
			}
		}
	}
	if odd == "" {
		t.Fatal("the token has one spelling only; this test tests nothing")
	}
	api, _, _ := NewAPIToken()
	for name, token := range map[string]string{
		"nothing": "", "the mark": "llr_", "no mark": good[4:], "API mark": "llk_" + good[4:], "upper-case mark": "LLR_" + good[4:],
		"generation 0": "llr_" + encode(k.appendRefreshMAC(body(0))), "generation 2^63": "llr_" + encode(k.appendRefreshMAC(body(1<<63))),
		"generation -1":  "llr_" + encode(k.appendRefreshMAC(body(math.MaxUint64))),
		"short body":     "llr_" + encode(k.appendRefreshMAC(body(1)[:23])),
		"long body":      "llr_" + encode(k.appendRefreshMAC(append(body(1), 0))),
		"without a seal": "llr_" + encode(body(1)), "with an empty seal": "llr_" + encode(append(body(1), make([]byte, 32)...)),
		"trailing bits": odd, "padded": good + "=", "standard alphabet": "llr_" + base64.RawStdEncoding.EncodeToString(raw) + "=",
		"newline in": good[:20] + "\n" + good[20:], "newline for a character": good[:20] + "\n" + good[21:], "newline after": good + "\n",
		"newlines at the length": good[:75] + "\r\n\r\n", "space before": " " + good, "twice": good + good, "shorter": good[:78], "longer": good + "A",
		"8 KiB": "llr_" + strings.Repeat("A", 8<<10), "another secret's": newKeys(t, otherSecret).SignRefreshToken(RefreshClaims{session, 3}),
		"sealed with the access key": (&Keys{refresh: k.access}).SignRefreshToken(RefreshClaims{session, 3}),
		"access token":               k.SignAccessToken(1, session, now), "marked access token": "llr_" + k.SignAccessToken(1, session, now), "API token": api,
	} {
		if got, err := k.ParseRefreshToken(token); err != ErrToken || got != (RefreshClaims{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for i := range good {
		for c := range byte(255) {
			if token := good[:i] + string([]byte{c}) + good[i+1:]; token != good {
				if _, err := k.ParseRefreshToken(token); err != ErrToken {
					t.Fatalf("byte %d changed to %q: %v", i, c, err)
				}
			}
		}
	}
}

// TestSignRefreshToken_formatIsStable holds the form of the tokens that people have, since a server may change between two uses.
func TestSignRefreshToken_formatIsStable(t *testing.T) {
	token := newKeys(t, secret).SignRefreshToken(RefreshClaims{session, 3})
	if want := "llr_AZnA3hI0eryN7wEjRWeJqwAAAAAAAAADWqyLd6DOmu8OQ1Qmk-GzW5b-xb7QvG4TYrrvpdjfC6E"; token != want {
		t.Errorf("the token has another form than it had: %s", token)
	}
}

func TestAPIToken_roundTrip(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token, prefix, hash := NewAPIToken()
		again, err := HashAPIToken(token)
		if err != nil || !bytes.Equal(hash, again) || len(hash) != 32 || len(token) != 47 || prefix != token[:12] || !strings.HasPrefix(prefix, "llk_") {
			t.Fatalf("%s, %s, %x: %x, %v", token, prefix, hash, again, err)
		}
		if sum := sha256.Sum256([]byte(token)); !bytes.Equal(hash, sum[:]) || seen[token] {
			t.Fatalf("%s: its hash is %x; seen before: %v", token, hash, seen[token])
		}
		seen[token] = true
	}
}

func TestHashAPIToken_rejectsInvalid(t *testing.T) {
	k := newKeys(t, secret)
	good := "llk_" + strings.Repeat("A", 43)
	if _, err := HashAPIToken(good); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"nothing": "", "the mark": "llk_", "no mark": good[4:], "refresh mark": "llr_" + good[4:], "upper-case mark": "LLK_" + good[4:],
		"trailing bits": good[:46] + "B", "padded": good + "=", "padded at the length": good[:46] + "=", "standard alphabet": good[:10] + "+/" + good[12:],
		"newline in": good[:10] + "\n" + good[10:], "newline for a character": good[:10] + "\n" + good[11:], "newlines at the length": good[:43] + "\r\n\r\n",
		"space before": " " + good, "shorter": good[:46], "longer": good + "A", "twice": good + good, "8 KiB": "llk_" + strings.Repeat("A", 8<<10),
		"NUL": good[:46] + "\x00", "not UTF-8": good[:46] + "\xff",
		"access token": k.SignAccessToken(1, session, now), "refresh token": k.SignRefreshToken(RefreshClaims{session, 1}),
	} {
		if hash, err := HashAPIToken(token); err != ErrToken || hash != nil {
			t.Errorf("%s: %x, %v", name, hash, err)
		}
	}
}
