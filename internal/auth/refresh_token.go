package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strings"

	"github.com/google/uuid"
)

// This file holds the tokens that are not JWTs, for only this server reads them.

const (
	refreshTokenPrefix = "llr_"
	refreshBodyLen     = 16 + 8 // bytes: the session, the generation
	apiTokenPrefix     = "llk_"
	apiTokenRandomLen  = 32
	apiTokenDisplayLen = 12 // characters
)

// RefreshClaims is what a refresh token says: its session, and which of the session's refresh tokens it is, counted from 1.
type RefreshClaims struct {
	Session    uuid.UUID
	Generation int64
}

// SignRefreshToken returns a refresh token of 79 characters: "llr_" and base64url of the session (16 bytes), the generation (8 bytes, big endian)
// and the HMAC-SHA256 of both. It is deterministic: the server can make the same token again and need not keep it. How long it is good
// is for the caller to keep, see RefreshTokenTTL; a generation below 1 makes a token that ParseRefreshToken refuses.
func (k *Keys) SignRefreshToken(r RefreshClaims) string {
	body := binary.BigEndian.AppendUint64(r.Session[:], uint64(r.Generation))
	return refreshTokenPrefix + encode(k.appendRefreshMAC(body))
}

// ParseRefreshToken reads what SignRefreshToken wrote, byte for byte. It returns ErrToken for everything else.
func (k *Keys) ParseRefreshToken(token string) (RefreshClaims, error) {
	const length = len(refreshTokenPrefix) + ((refreshBodyLen+sha256.Size)*8+5)/6
	encoded, hasPrefix := strings.CutPrefix(token, refreshTokenPrefix)
	if !hasPrefix || len(token) != length {
		return RefreshClaims{}, ErrToken
	}
	body, ok := decode(encoded)
	if !ok || !hmac.Equal(k.appendRefreshMAC(body[:refreshBodyLen]), body) {
		return RefreshClaims{}, ErrToken
	}
	generation := binary.BigEndian.Uint64(body[16:refreshBodyLen])
	if generation < 1 || generation > math.MaxInt64 {
		return RefreshClaims{}, ErrToken
	}
	return RefreshClaims{Session: uuid.UUID(body[:16]), Generation: int64(generation)}, nil
}

// appendRefreshMAC returns the body with its HMAC behind it.
func (k *Keys) appendRefreshMAC(body []byte) []byte {
	h := hmac.New(sha256.New, k.refresh())
	h.Write(body)
	return h.Sum(body[:len(body):len(body)]) // in new memory: what follows the body is another's
}

// NewAPIToken makes an API token of 47 characters: "llk_" and base64url of 32 random bytes. The prefix, its first 12 characters, is for people to
// know it by; the hash, 32 bytes of SHA-256 of the whole, is for the server to keep. The token itself is shown once and kept nowhere.
func NewAPIToken() (token, prefix string, hash []byte) {
	token = apiTokenPrefix + encode(randomBytes(apiTokenRandomLen))
	sum := sha256.Sum256([]byte(token))
	return token, token[:apiTokenDisplayLen], sum[:]
}

// HashAPIToken returns the hash by which NewAPIToken's token is kept, 32 bytes, or ErrToken for text that is not of that shape. It needs
// no salt and no effort, since nobody guesses 32 random bytes.
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
