// Package auth creates and verifies credentials: access tokens, refresh tokens, API tokens and passwords.
// It must not depend on HTTP or on the storage of accounts, sessions and hashes.
package auth

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"

	lru "github.com/hashicorp/golang-lru/v2"
)

// ErrToken is returned for every invalid token. It gives no reason, because a reason would help an attacker who forges
// tokens.
var ErrToken = errors.New("invalid token")

// Keys signs and verifies tokens. Each kind of token has its own key, derived from one secret with a different label,
// so a token of one kind is never valid as another.
// Keys is safe for concurrent use and prints as a redacted placeholder.
type Keys struct {
	// HMAC-SHA256 keys, 32 bytes each. They are functions because fmt prints bytes, even behind pointers, when the verb
	// does not match the type.
	access, refresh func() []byte

	verified *lru.Cache[[sha256.Size]byte, AccessClaims] // of access tokens, by the hash of the token
}

// NewKeys derives keys from a secret. The same secret gives the same keys in every process.
// It rejects weak secrets with an error that names the problem and the fix and never contains the secret.
func NewKeys(secret string) (*Keys, error) {
	if err := validateSecret(secret); err != nil {
		return nil, fmt.Errorf("%w; use 32 random bytes, encoded as base64 or hex", err)
	}
	derive := func(label string) func() []byte {
		key := must(hkdf.Key(sha256.New, []byte(secret), nil, label, sha256.Size))
		return func() []byte { return key }
	}
	return &Keys{
		access:   derive("labledger access token"),
		refresh:  derive("labledger refresh token"),
		verified: must(lru.New[[sha256.Size]byte, AccessClaims](maxVerifiedTokens)),
	}, nil
}

// NewSecret returns a random secret for NewKeys: 32 bytes as unpadded base64url, 43 characters. A server uses it when
// no secret is configured.
func NewSecret() string {
	for {
		// Retry the rare random secret that contains one of weakPatterns.
		if secret := encode(randomBytes(32)); validateSecret(secret) == nil {
			return secret
		}
	}
}

const redacted = "auth.Keys(redacted)"

// Format implements fmt.Formatter. It writes a placeholder for every verb.
func (Keys) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue implements slog.LogValuer. It returns the same placeholder as Format.
func (Keys) LogValue() slog.Value { return slog.StringValue(redacted) }

var rawURL = base64.RawURLEncoding.Strict()

func encode(b []byte) string { return rawURL.EncodeToString(b) }

// decode decodes base64url and accepts only the canonical form that encode produces. It encodes the result again,
// because even a strict decoder skips line breaks.
func decode(encoded string) ([]byte, bool) {
	b, err := rawURL.DecodeString(encoded)
	return b, err == nil && encode(b) == encoded
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // rand.Read never returns an error; it crashes the program instead
	return b
}

// must panics on errors that only a bug in this package can cause.
func must[T any](v T, err error) T {
	if err != nil {
		panic("auth: " + err.Error())
	}
	return v
}
