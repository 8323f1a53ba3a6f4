package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// This file signs and verifies JWTs without a JWT library: RFC 7519, RFC 9068. A library has to accept every valid token
// of the format: members in any order, duplicate or unknown members, other headers. With all its strict options,
// golang-jwt accepts a quarter of the tokens that the tests of this package reject, and takes twice as long. So every
// check would remain here. The tests verify with golang-jwt that the tokens are JWTs.

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

// newClaims returns the claims of a token. All of them follow from the arguments, so a payload can be compared as a
// whole.
func newClaims(accountID int64, session uuid.UUID, issuedAt int64, id string) claims {
	return claims{
		Issuer:    issuer,
		Audience:  issuer,
		Subject:   strconv.FormatInt(accountID, 10),
		Session:   session.String(),
		IssuedAt:  issuedAt,
		NotBefore: issuedAt,
		Expires:   issuedAt + int64(AccessTokenTTL/time.Second),
		ID:        id,
	}
}

// SignAccessToken returns an access token, a JWT of about 400 bytes. It is valid from now, truncated to seconds, for
// AccessTokenTTL. accountID must not be negative, because ParseAccessToken rejects negative IDs.
func (k *Keys) SignAccessToken(accountID int64, session uuid.UUID, now time.Time) string {
	return k.signClaims(newClaims(accountID, session, now.Unix(), rand.Text()))
}

func (k *Keys) signClaims(c claims) string {
	return k.appendSignature(accessHeader + "." + encode(must(json.Marshal(c))))
}

// appendSignature returns a token from its header and payload.
func (k *Keys) appendSignature(signingInput string) string {
	h := hmac.New(sha256.New, k.access())
	h.Write([]byte(signingInput))
	return signingInput + "." + encode(h.Sum(nil))
}

// ParseAccessToken verifies a token and returns its claims. It accepts only the exact bytes that SignAccessToken
// produces. It returns ErrToken for every other token and for an expired one.
//
// The signature is checked first, in constant time. The header is compared and never parsed, so a token cannot choose
// the algorithm that verifies it. The payload is decoded only after that.
func (k *Keys) ParseAccessToken(token string, now time.Time) (AccessClaims, error) {
	if len(token) > maxAccessTokenLen {
		return AccessClaims{}, ErrToken
	}
	signingInput := token[:max(0, strings.LastIndexByte(token, '.'))]
	if !hmac.Equal([]byte(k.appendSignature(signingInput)), []byte(token)) {
		return AccessClaims{}, ErrToken
	}
	encoded, ok := strings.CutPrefix(signingInput, accessHeader+".")
	if !ok {
		return AccessClaims{}, ErrToken
	}
	payload, ok := decode(encoded)
	if !ok {
		return AccessClaims{}, ErrToken
	}
	return parseClaims(payload, now.Unix())
}

// parseClaims validates the payload of a token whose signature is valid. It stays strict because a holder of the key,
// such as a later version of this program, may sign payloads of a different form.
func parseClaims(payload []byte, now int64) (AccessClaims, error) {
	var c claims
	if json.Unmarshal(payload, &c) != nil {
		return AccessClaims{}, ErrToken
	}
	accountID, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || accountID < 0 || c.ID == "" {
		return AccessClaims{}, ErrToken
	}
	session, err := uuid.Parse(c.Session)
	if err != nil {
		return AccessClaims{}, ErrToken
	}
	// Encode the claims again to reject every other form and every other value of the rest.
	if want := newClaims(accountID, session, c.IssuedAt, c.ID); !bytes.Equal(must(json.Marshal(want)), payload) {
		return AccessClaims{}, ErrToken
	}
	if now >= c.Expires || c.IssuedAt > now+clockSkew {
		return AccessClaims{}, ErrToken
	}
	return AccessClaims{AccountID: accountID, Session: session, Expires: time.Unix(c.Expires, 0).UTC()}, nil
}
