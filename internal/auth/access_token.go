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

// How long tokens last.
const (
	AccessTokenTTL  = 15 * time.Minute
	RefreshTokenTTL = 30 * 24 * time.Hour
)

const (
	accessHeader      = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9" // base64url of {"alg":"HS256","typ":"at+jwt"}
	maxAccessTokenLen = 1 << 10                                    // bytes; ours have some 400
	clockSkew         = 30                                         // seconds that another instance's clock may be ahead
	issuer            = "labledger"
)

// AccessClaims is what an access token says: the account that may act, the session in which it signed in, and when that ends.
type AccessClaims struct {
	AccountID int64
	Session   uuid.UUID
	Expires   time.Time // whole seconds, UTC
}

// claims are the payload of an access token: these, in this order, and no others.
type claims struct {
	Issuer    string `json:"iss"`
	Audience  string `json:"aud"`
	Subject   string `json:"sub"` // the account's id in decimal
	Session   string `json:"sid"`
	IssuedAt  int64  `json:"iat"` // seconds since 1970, as the next two
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	ID        string `json:"jti"` // random, so that no two tokens are alike
}

// SignAccessToken returns an access token, a JWT of some 400 bytes, that is good from now, in whole seconds, for AccessTokenTTL. The account's id must
// not be negative: ParseAccessToken would refuse it.
func (k *Keys) SignAccessToken(accountID int64, session uuid.UUID, now time.Time) string {
	at := now.Unix()
	return k.signClaims(claims{
		Issuer: issuer, Audience: issuer, Subject: strconv.FormatInt(accountID, 10), Session: session.String(),
		IssuedAt: at, NotBefore: at, Expires: at + int64(AccessTokenTTL/time.Second), ID: rand.Text(),
	})
}

func (k *Keys) signClaims(c claims) string {
	signingInput := accessHeader + "." + encode(must(json.Marshal(c)))
	return signingInput + "." + encode(must(jwt.SigningMethodHS256.Sign(signingInput, k.access())))
}

// ParseAccessToken reads what SignAccessToken wrote, byte for byte; it returns ErrToken for everything else, and for a token that has expired.
//
// The header is compared, not read: a token does not choose how it is verified. The signature comes next, in constant time; nothing of
// the payload is looked at before.
func (k *Keys) ParseAccessToken(token string, now time.Time) (AccessClaims, error) {
	if len(token) > maxAccessTokenLen {
		return AccessClaims{}, ErrToken
	}
	header, rest, _ := strings.Cut(token, ".")
	encodedPayload, encodedSignature, _ := strings.Cut(rest, ".") // a fourth segment would be in sum, where a point is not base64
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

// parseClaims reads the payload of a token whose signature is good. Who can sign can still err, such as a later version of this program,
// so it is held to one shape.
func parseClaims(payload []byte, now int64) (AccessClaims, error) {
	var c claims
	if json.Unmarshal(payload, &c, json.RejectUnknownMembers(true)) != nil {
		return AccessClaims{}, ErrToken
	}
	if !bytes.Equal(must(json.Marshal(c)), payload) { // a claim is missing, null or in another place
		return AccessClaims{}, ErrToken
	}
	account, err := strconv.ParseInt(c.Subject, 10, 64)
	if err != nil || account < 0 || strconv.FormatInt(account, 10) != c.Subject {
		return AccessClaims{}, ErrToken
	}
	session, err := uuid.Parse(c.Session)
	if err != nil || session.String() != c.Session {
		return AccessClaims{}, ErrToken
	}
	if c.Issuer != issuer || c.Audience != issuer || c.ID == "" {
		return AccessClaims{}, ErrToken
	}
	if now >= c.Expires || c.NotBefore > now+clockSkew || c.IssuedAt > now+clockSkew || c.Expires-c.IssuedAt != int64(AccessTokenTTL/time.Second) {
		return AccessClaims{}, ErrToken
	}
	return AccessClaims{AccountID: account, Session: session, Expires: time.Unix(c.Expires, 0).UTC()}, nil
}
