package auth

import (
	"crypto/sha256"
	"strings"
)

const (
	apiTokenPrefix     = "llk_"
	apiTokenRandomLen  = 32 // bytes
	apiTokenDisplayLen = 12 // characters
)

// NewAPIToken returns a new API token of 47 characters: "llk_" and the base64url encoding of 32 random bytes.
// prefix is the token's first 12 characters, by which users recognize it. hash is the SHA-256 of the token, 32 bytes,
// which the server stores. The token itself is shown once and never stored.
func NewAPIToken() (token, prefix string, hash []byte) {
	token = apiTokenPrefix + encode(randomBytes(apiTokenRandomLen))
	sum := sha256.Sum256([]byte(token))
	return token, token[:apiTokenDisplayLen], sum[:]
}

// HashAPIToken returns the hash under which NewAPIToken's token is stored, 32 bytes, or ErrToken for a malformed token.
// The hash needs no salt and no key stretching, because the token has 256 random bits.
func HashAPIToken(token string) (hash []byte, err error) {
	encoded, hasPrefix := strings.CutPrefix(token, apiTokenPrefix)
	if !hasPrefix || len(encoded) != (apiTokenRandomLen*8+5)/6 {
		return nil, ErrToken
	}
	if _, ok := decode(encoded); !ok {
		return nil, ErrToken
	}
	sum := sha256.Sum256([]byte(token))
	return sum[:], nil
}
