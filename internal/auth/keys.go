// Package auth holds what a secret proves: access tokens, refresh tokens, API tokens and passwords.
// It must not know HTTP, nor where accounts, sessions and hashes are kept.
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
)

// ErrToken is the one answer to every token that is not good, whatever is wrong with it: a reason would help those who forge.
var ErrToken = errors.New("the token is not valid")

// Keys sign and read tokens. All are made of one secret, under different labels, so that a token of one kind is never one of another.
// Keys are safe for concurrent use, and show nothing of themselves when printed or logged.
type Keys struct {
	access, refresh func() []byte // HMAC-SHA256, 32 bytes. Functions: fmt prints bytes even from behind pointers, when the verb is wrong for them.
}

// NewKeys makes keys of a secret: the same keys of the same secret, in every process. A weak secret is refused; the error says what is
// wrong with it and what to do, and never quotes it.
func NewKeys(secret string) (*Keys, error) {
	if fault := validateSecret(secret); fault != "" {
		return nil, fmt.Errorf("the secret %s; use 32 random bytes, written in base64 or hex", fault)
	}
	derive := func(label string) func() []byte {
		key := must(hkdf.Key(sha256.New, []byte(secret), nil, label, sha256.Size))
		return func() []byte { return key }
	}
	return &Keys{access: derive("labledger access token"), refresh: derive("labledger refresh token")}, nil
}

// NewSecret returns a secret for NewKeys: 32 random bytes in base64url without padding, 43 characters. It is for a server that makes its own.
func NewSecret() string {
	for {
		if secret := encode(randomBytes(32)); validateSecret(secret) == "" { // chance can spell a word, too
			return secret
		}
	}
}

const redacted = "auth.Keys(hidden)"

// Format writes the same few words for every verb.
func (Keys) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue is what Format writes.
func (Keys) LogValue() slog.Value { return slog.StringValue(redacted) }

var rawURL = base64.RawURLEncoding.Strict()

func encode(b []byte) string { return rawURL.EncodeToString(b) }

// decode reads base64url that is written in the one way in which encode writes it. Even a strict decoder skips line breaks, so it is
// encoded again to see.
func decode(encoded string) ([]byte, bool) {
	b, err := rawURL.DecodeString(encoded)
	return b, err == nil && encode(b) == encoded
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails: it ends the program instead
	return b
}

// must is for errors that only a mistake in this package can cause.
func must[T any](v T, err error) T {
	if err != nil {
		panic("auth: " + err.Error())
	}
	return v
}
