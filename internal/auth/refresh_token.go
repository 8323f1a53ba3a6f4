package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strings"

	"github.com/google/uuid"
)

const (
	refreshTokenPrefix = "llr_"
	refreshBodyLen     = 16 + 8 // bytes: session ID, generation
)

// RefreshClaims are the contents of a refresh token.
type RefreshClaims struct {
	Session    uuid.UUID
	Generation int64 // position among the session's refresh tokens, starting at 1
}

// SignRefreshToken returns a refresh token of 79 characters. It consists of "llr_" and the base64url encoding of the
// session ID (16 bytes), the generation (8 bytes, big endian) and the HMAC-SHA256 of both. It is not a JWT, because
// only this server reads it.
//
// The result is deterministic: the server can recreate a token and need not store it. The token contains no expiry;
// the caller enforces RefreshTokenTTL. ParseRefreshToken rejects tokens with a generation below 1.
func (k *Keys) SignRefreshToken(c RefreshClaims) string {
	body := binary.BigEndian.AppendUint64(c.Session[:], uint64(c.Generation))
	return refreshTokenPrefix + encode(k.appendRefreshMAC(body))
}

// ParseRefreshToken verifies a refresh token and returns its claims. It accepts only the exact bytes that
// SignRefreshToken produces and returns ErrToken for every other token.
func (k *Keys) ParseRefreshToken(token string) (RefreshClaims, error) {
	const tokenLen = len(refreshTokenPrefix) + ((refreshBodyLen+sha256.Size)*8+5)/6
	encoded, hasPrefix := strings.CutPrefix(token, refreshTokenPrefix)
	if !hasPrefix || len(token) != tokenLen {
		return RefreshClaims{}, ErrToken
	}
	b, ok := decode(encoded)
	if !ok || !hmac.Equal(k.appendRefreshMAC(b[:refreshBodyLen]), b) {
		return RefreshClaims{}, ErrToken
	}
	generation := binary.BigEndian.Uint64(b[16:refreshBodyLen])
	if generation < 1 || generation > math.MaxInt64 {
		return RefreshClaims{}, ErrToken
	}
	return RefreshClaims{Session: uuid.UUID(b[:16]), Generation: int64(generation)}, nil
}

// appendRefreshMAC returns the body followed by its HMAC, in new memory: the caller's bytes after body stay unchanged.
func (k *Keys) appendRefreshMAC(body []byte) []byte {
	h := hmac.New(sha256.New, k.refresh())
	h.Write(body)
	return h.Sum(body[:len(body):len(body)])
}
