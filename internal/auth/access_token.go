package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Token lifetimes.
const (
	AccessTokenTTL  = 15 * time.Minute
	RefreshTokenTTL = 30 * 24 * time.Hour
)

const (
	maxAccessTokenLen = 1 << 10          // bytes; a valid token has about 400
	maxVerifiedTokens = 10_000           // a few MB
	clockSkew         = 30 * time.Second // how far the clock of another instance may be ahead
	issuer            = "labledger"
)

// AccessClaims are the verified claims of an access token.
type AccessClaims struct {
	AccountID int64
	Session   uuid.UUID
	Expires   time.Time // whole seconds, UTC
}

// claims is the payload of an access token. sub is the account ID in decimal, and jti is random, so that no two tokens
// are equal.
type claims struct {
	Session string `json:"sid"`
	jwt.RegisteredClaims
}

// newClaims returns the claims of a token. All of them follow from the arguments.
func newClaims(accountID int64, session uuid.UUID, issuedAt time.Time, id string) *claims {
	return &claims{session.String(), jwt.RegisteredClaims{
		Issuer:    issuer,
		Audience:  jwt.ClaimStrings{issuer},
		Subject:   strconv.FormatInt(accountID, 10),
		IssuedAt:  jwt.NewNumericDate(issuedAt),
		ExpiresAt: jwt.NewNumericDate(issuedAt.Add(AccessTokenTTL)),
		ID:        id,
	}}
}

// SignAccessToken returns an access token, a JWT of about 400 bytes (RFC 9068). It is valid from now, truncated to
// seconds, for AccessTokenTTL. accountID must not be negative, because ParseAccessToken rejects negative IDs.
func (k *Keys) SignAccessToken(accountID int64, session uuid.UUID, now time.Time) string {
	return k.signClaims(newClaims(accountID, session, now.Truncate(time.Second), rand.Text()))
}

func (k *Keys) signClaims(c *claims) string {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	token.Header["typ"] = "at+jwt"
	return must(token.SignedString(k.access()))
}

// ParseAccessToken verifies a token and returns its claims. It returns ErrToken for an invalid or expired token. It
// remembers the claims of recent tokens, because verification takes about a tenth of the time of a short request.
func (k *Keys) ParseAccessToken(token string, now time.Time) (AccessClaims, error) {
	if len(token) > maxAccessTokenLen {
		return AccessClaims{}, ErrToken
	}
	hash := sha256.Sum256([]byte(token)) // so that memory holds no tokens
	claims, known := k.verified.Get(hash)
	if !known {
		var err error
		if claims, err = k.verifyAccessToken(token); err != nil {
			return AccessClaims{}, err
		}
	}
	issued := claims.Expires.Add(-AccessTokenTTL)
	if !now.Before(claims.Expires) || issued.After(now.Add(clockSkew)) {
		return AccessClaims{}, ErrToken
	}
	if !known {
		k.verified.Add(hash, claims)
	}
	return claims, nil
}

// verifyAccessToken verifies everything except the times.
//
// A holder of the key, such as a later version of this program, may sign payloads of a different form. A JWT library
// accepts most of them. So the token must also equal, byte for byte, the one that SignAccessToken returns for its
// claims. That includes issuer, audience and lifetime.
func (k *Keys) verifyAccessToken(token string) (AccessClaims, error) {
	var c claims
	key := func(*jwt.Token) (any, error) { return k.access(), nil }
	_, err := jwt.ParseWithClaims(token, &c, key, jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation())
	if err != nil || c.IssuedAt == nil || c.ID == "" {
		return AccessClaims{}, ErrToken
	}
	accountID, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || accountID < 0 {
		return AccessClaims{}, ErrToken
	}
	session, err := uuid.Parse(c.Session)
	if err != nil || k.signClaims(newClaims(accountID, session, c.IssuedAt.Time, c.ID)) != token {
		return AccessClaims{}, ErrToken
	}
	return AccessClaims{AccountID: accountID, Session: session, Expires: c.ExpiresAt.UTC()}, nil
}
