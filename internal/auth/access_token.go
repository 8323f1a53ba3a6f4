package auth

import (
	"bytes"
	"crypto/rand"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Token lifetimes.
const (
	AccessTokenTTL  = 15 * time.Minute
	RefreshTokenTTL = 30 * 24 * time.Hour
)

const (
	accessHeader      = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9" // base64url of {"alg":"HS256","typ":"at+jwt"}
	maxAccessTokenLen = 1 << 10                                    // bytes; a valid token has about 400
	clockSkew         = 30                                         // seconds another instance's clock may be ahead
	issuer            = "labledger"
)

// AccessClaims are the verified claims of an access token.
type AccessClaims struct {
	AccountID int64
	Session   uuid.UUID
	Expires   time.Time // whole seconds, UTC
}

// claims is the payload of an access token. Exactly these members are allowed, in this order.
type claims struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"` // account ID in decimal
	Session   string `json:"sid"`
	IssuedAt  int64  `json:"iat"` // Unix seconds, like NotBefore and Expires
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	ID        string `json:"jti"` // random, so that no two tokens are equal
}

// SignAccessToken returns an access token, a JWT of about 400 bytes. It is valid from now, truncated to seconds, for
// AccessTokenTTL. accountID must not be negative, because ParseAccessToken rejects negative IDs.
func (k *Keys) SignAccessToken(accountID int64, session uuid.UUID, now time.Time) string {
	issuedAt := now.Unix()
	return k.signClaims(claims{
		Issuer:    issuer,
		Audience:  issuer,
		Subject:   strconv.FormatInt(accountID, 10),
		Session:   session.String(),
		IssuedAt:  issuedAt,
		NotBefore: issuedAt,
		Expires:   issuedAt + int64(AccessTokenTTL/time.Second),
		ID:        rand.Text(),
	})
}

func (k *Keys) signClaims(c claims) string {
	signingInput := accessHeader + "." + encode(must(json.Marshal(c)))
	return signingInput + "." + encode(must(jwt.SigningMethodHS256.Sign(signingInput, k.access())))
}

// ParseAccessToken verifies a token and returns its claims. It accepts only the exact bytes that SignAccessToken
// produces. It returns ErrToken for every other token and for an expired one.
//
// The header is compared and never parsed, so a token cannot choose the algorithm that verifies it. The signature is
// checked next, in constant time. The payload is decoded only after that.
func (k *Keys) ParseAccessToken(token string, now time.Time) (AccessClaims, error) {
	if len(token) > maxAccessTokenLen {
		return AccessClaims{}, ErrToken
	}
	header, rest, _ := strings.Cut(token, ".")
	// A fourth segment ends up in encodedSignature, and decode rejects its dot.
	encodedPayload, encodedSignature, _ := strings.Cut(rest, ".")
	if header != accessHeader {
		return AccessClaims{}, ErrToken
	}
	signature, ok := decode(encodedSignature)
	if !ok || jwt.SigningMethodHS256.Verify(header+"."+encodedPayload, signature, k.access()) != nil {
		return AccessClaims{}, ErrToken
	}
	payload, ok := decode(encodedPayload)
	if !ok {
		return AccessClaims{}, ErrToken
	}
	return parseClaims(payload, now.Unix())
}

// parseClaims validates the payload of a token whose signature is valid. It stays strict because a holder of the key,
// such as a later version of this program, may sign payloads of a different form.
func parseClaims(payload []byte, now int64) (AccessClaims, error) {
	var c claims
	if json.Unmarshal(payload, &c, json.RejectUnknownMembers(true)) != nil {
		return AccessClaims{}, ErrToken
	}
	// Encode again to reject missing, null and reordered claims.
	if !bytes.Equal(must(json.Marshal(c)), payload) {
		return AccessClaims{}, ErrToken
	}
	accountID, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || accountID < 0 || strconv.FormatInt(accountID, 10) != c.Subject {
		return AccessClaims{}, ErrToken
	}
	session, err := uuid.Parse(c.Session)
	if err != nil || session.String() != c.Session {
		return AccessClaims{}, ErrToken
	}
	if c.Issuer != issuer || c.Audience != issuer || c.ID == "" {
		return AccessClaims{}, ErrToken
	}
	if now >= c.Expires || c.NotBefore > now+clockSkew || c.IssuedAt > now+clockSkew ||
		c.Expires-c.IssuedAt != int64(AccessTokenTTL/time.Second) {
		return AccessClaims{}, ErrToken
	}
	return AccessClaims{AccountID: accountID, Session: session, Expires: time.Unix(c.Expires, 0).UTC()}, nil
}
