package auth

import (
	"crypto/sha256"
	"strings"
)

// secretLen is the number of random bytes in an API token and in a link. A secret of this length needs neither salt nor
// key stretching.
const secretLen = 32

// newSecret returns a secret of prefix and the base64url encoding of random bytes. hash is its SHA-256, 32 bytes, which
// the server stores instead of the secret.
func newSecret(prefix string) (secret string, hash []byte) {
	secret = prefix + encode(randomBytes(secretLen))
	sum := sha256.Sum256([]byte(secret))
	return secret, sum[:]
}

// hashSecret returns the hash of a secret of newSecret, or ErrToken for a malformed one.
func hashSecret(prefix, secret string) (hash []byte, err error) {
	encoded, hasPrefix := strings.CutPrefix(secret, prefix)
	if !hasPrefix || len(encoded) != (secretLen*8+5)/6 {
		return nil, ErrToken
	}
	if _, ok := decode(encoded); !ok {
		return nil, ErrToken
	}
	sum := sha256.Sum256([]byte(secret))
	return sum[:], nil
}
