package auth

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
)

func TestAPIToken_roundTrip(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		token, prefix, hash := NewAPIToken()
		again, err := HashAPIToken(token)
		if err != nil || !bytes.Equal(hash, again) || len(hash) != 32 || len(token) != 47 || prefix != token[:12] ||
			!strings.HasPrefix(prefix, "llk_") {
			t.Fatalf("%s, %s, %x: %x, %v", token, prefix, hash, again, err)
		}
		if sum := sha256.Sum256([]byte(token)); !bytes.Equal(hash, sum[:]) || seen[token] {
			t.Fatalf("%s: hash %x, seen before: %t", token, hash, seen[token])
		}
		seen[token] = true
	}
}

func TestHashAPIToken_rejectsInvalid(t *testing.T) {
	k := newKeys(t, secret)
	valid := "llk_" + strings.Repeat("A", 43)
	if _, err := HashAPIToken(valid); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"empty": "", "prefix only": "llk_", "no prefix": valid[4:], "refresh token prefix": "llr_" + valid[4:],
		"upper-case prefix": "LLK_" + valid[4:],
		"trailing bits":     valid[:46] + "B", "padded": valid + "=", "padded, same length": valid[:46] + "=",
		"standard alphabet":              valid[:10] + "+/" + valid[12:],
		"newline inside":                 valid[:10] + "\n" + valid[10:],
		"newline instead of a character": valid[:10] + "\n" + valid[11:],
		"trailing newlines, same length": valid[:43] + "\r\n\r\n",
		"space before":                   " " + valid, "shorter": valid[:46], "longer": valid + "A",
		"twice": valid + valid, "8 KiB": "llk_" + strings.Repeat("A", 8<<10),
		"NUL": valid[:46] + "\x00", "not UTF-8": valid[:46] + "\xff",
		"access token":  k.SignAccessToken(1, session, now),
		"refresh token": k.SignRefreshToken(RefreshClaims{session, 1}),
	} {
		if hash, err := HashAPIToken(token); err != ErrToken || hash != nil {
			t.Errorf("%s: %x, %v", name, hash, err)
		}
	}
}
