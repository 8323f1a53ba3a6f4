package auth

import (
	"bytes"
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
			if got, err := same.ParseRefreshToken(token); err != nil || got != want || len(token) != 79 ||
				seen[token] || same.SignRefreshToken(got) != token {
				t.Errorf("%s: %+v, %v; want %+v", token, got, err, want)
			}
			seen[token] = true
		}
	}
}

// Invalid tokens are rejected, even with a valid MAC.
func TestParseRefreshToken_rejectsInvalid(t *testing.T) {
	k := newKeys(t, secret)
	valid := k.SignRefreshToken(RefreshClaims{session, 3})
	body := func(generation uint64) []byte {
		return binary.BigEndian.AppendUint64(bytes.Clone(session[:]), generation)
	}
	raw, _ := decode(valid[4:])
	alternative := "" // the last of the 75 characters has two unused bits
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		if other := valid[:78] + string(c); other != valid {
			if b, _ := base64.RawURLEncoding.DecodeString(other[4:]); bytes.Equal(b, raw) {
				alternative = other
			}
		}
	}
	if alternative == "" {
		t.Fatal("the token has only one encoding, so this test proves nothing")
	}
	apiToken, _, _ := NewAPIToken()
	for name, token := range map[string]string{
		"empty": "", "prefix only": "llr_", "no prefix": valid[4:], "API token prefix": "llk_" + valid[4:],
		"upper-case prefix": "LLR_" + valid[4:],
		"generation 0":      "llr_" + encode(k.appendRefreshMAC(body(0))),
		"generation 2^63":   "llr_" + encode(k.appendRefreshMAC(body(1<<63))),
		"generation -1":     "llr_" + encode(k.appendRefreshMAC(body(math.MaxUint64))),
		"short body":        "llr_" + encode(k.appendRefreshMAC(body(1)[:23])),
		"long body":         "llr_" + encode(k.appendRefreshMAC(append(body(1), 0))),
		"without a MAC":     "llr_" + encode(body(1)),
		"with a zero MAC":   "llr_" + encode(append(body(1), make([]byte, 32)...)),
		"trailing bits":     alternative, "padded": valid + "=",
		"standard alphabet":              "llr_" + base64.RawStdEncoding.EncodeToString(raw) + "=",
		"newline inside":                 valid[:20] + "\n" + valid[20:],
		"newline instead of a character": valid[:20] + "\n" + valid[21:], "newline after": valid + "\n",
		"trailing newlines, same length": valid[:75] + "\r\n\r\n", "space before": " " + valid, "twice": valid + valid,
		"shorter": valid[:78], "longer": valid + "A",
		"8 KiB":                   "llr_" + strings.Repeat("A", 8<<10),
		"another secret's":        newKeys(t, otherSecret).SignRefreshToken(RefreshClaims{session, 3}),
		"MAC with the access key": (&Keys{refresh: k.access}).SignRefreshToken(RefreshClaims{session, 3}),
		"access token":            k.SignAccessToken(1, session, now),
		"prefixed access token":   "llr_" + k.SignAccessToken(1, session, now), "API token": apiToken,
	} {
		if got, err := k.ParseRefreshToken(token); err != ErrToken || got != (RefreshClaims{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for i := range valid {
		for c := range byte(255) {
			if token := valid[:i] + string([]byte{c}) + valid[i+1:]; token != valid {
				if _, err := k.ParseRefreshToken(token); err != ErrToken {
					t.Fatalf("byte %d changed to %q: %v", i, c, err)
				}
			}
		}
	}
}

// Clients hold tokens across server upgrades, so the format must not change.
func TestSignRefreshToken_formatIsStable(t *testing.T) {
	token := newKeys(t, secret).SignRefreshToken(RefreshClaims{session, 3})
	if want := "llr_AZnA3hI0eryN7wEjRWeJqwAAAAAAAAADWqyLd6DOmu8OQ1Qmk-GzW5b-xb7QvG4TYrrvpdjfC6E"; token != want {
		t.Errorf("SignRefreshToken returns %s, want %s", token, want)
	}
}
