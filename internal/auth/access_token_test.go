package auth

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

func TestAccessToken_roundTrip(t *testing.T) {
	k, same := newKeys(t, secret), newKeys(t, secret)
	for _, id := range []int64{0, 1, 42, 1 << 53, math.MaxInt64} {
		for _, s := range []uuid.UUID{session, uuid.Nil, uuid.Max, uuid.New()} {
			token := k.SignAccessToken(id, s, now.Add(999*time.Millisecond))
			got, err := same.ParseAccessToken(token, now)
			if want := (AccessClaims{AccountID: id, Session: s, Expires: now.Add(AccessTokenTTL)}); err != nil ||
				got != want {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
			if len(token) > maxAccessTokenLen/2 {
				t.Errorf("the token has %d bytes, want at most %d", len(token), maxAccessTokenLen/2)
			}
		}
	}
	if first, second := k.SignAccessToken(1, session, now), k.SignAccessToken(1, session, now); first == second {
		t.Error("two tokens for the same claims are equal")
	}
	if got, err := k.ParseAccessToken(k.SignAccessToken(-1, session, now), now); !errors.Is(err, ErrToken) {
		t.Errorf("ParseAccessToken accepts a negative account ID: %+v, %v", got, err)
	}
}

// A token that has been verified expires as well, and is unknown to other keys.
func TestParseAccessToken_again(t *testing.T) {
	k, other := newKeys(t, secret), newKeys(t, NewSecret())
	token := k.SignAccessToken(7, session, now)
	expires := now.Add(AccessTokenTTL)
	for _, at := range []struct {
		time  time.Time
		valid bool
	}{
		{now, true}, {expires, false}, {expires.Add(-time.Nanosecond), true}, {expires.Add(time.Hour), false},
		{now.Add(-clockSkew), true}, {now.Add(-clockSkew - time.Nanosecond), false}, {now, true},
	} {
		claims, err := k.ParseAccessToken(token, at.time)
		if valid := err == nil; valid != at.valid || valid != (claims.AccountID == 7) {
			t.Errorf("at %v: %+v, %v; want valid %v", at.time, claims, err, at.valid)
		}
		if _, err := other.ParseAccessToken(token, at.time); !errors.Is(err, ErrToken) {
			t.Errorf("at %v: other keys accept the token", at.time)
		}
	}
	if n := k.verified.Len(); n != 1 {
		t.Errorf("%d tokens remembered, want 1", n)
	}
}

// The header and the claims are what other JWT readers rely on.
func TestAccessToken_isJWT(t *testing.T) {
	k := newKeys(t, secret)
	token := k.SignAccessToken(7, session, now)
	_, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return k.access(), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithSubject("7"),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil {
		t.Error(err)
	}
	parts := strings.Split(token, ".")
	if header, ok := decode(parts[0]); !ok || string(header) != `{"alg":"HS256","typ":"at+jwt"}` {
		t.Errorf("header %s", header)
	}
	payload, _ := decode(parts[1])
	var got map[string]any
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	if id, _ := got["jti"].(string); len(id) < 26 {
		t.Errorf("jti %v, want at least 26 characters", got["jti"])
	}
	delete(got, "jti")
	text, _ := json.Marshal(got)
	want := `{"aud":["labledger"],"exp":1796040900,"iat":1796040000,"iss":"labledger",` +
		`"sid":"0199c0de-1234-7abc-8def-0123456789ab","sub":"7"}`
	if string(text) != want || now.Unix() != 1796040000 {
		t.Errorf("claims %s, want %s", text, want)
	}
}

// One token is valid from 30 seconds before its issue time (clock skew) until AccessTokenTTL after it.
func TestParseAccessToken_validityPeriod(t *testing.T) {
	k := newKeys(t, secret)
	token := k.SignAccessToken(1, session, now)
	for age, valid := range map[time.Duration]bool{
		-time.Hour: false, -31 * time.Second: false, -30*time.Second - 1: false, -30 * time.Second: true, 0: true,
		AccessTokenTTL - 1: true, AccessTokenTTL: false, AccessTokenTTL + time.Second: false,
		AccessTokenTTL + 29*time.Second: false, 1000 * time.Hour: false,
	} {
		got, err := k.ParseAccessToken(token, now.Add(age))
		if (err == nil) != valid || !valid && (err != ErrToken || got != (AccessClaims{})) {
			t.Errorf("%v after issue: %+v, %v; want valid: %t", age, got, err, valid)
		}
	}
	for _, moment := range []time.Time{{}, time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0)} {
		if got, err := k.ParseAccessToken(token, moment); err != ErrToken {
			t.Errorf("at %v: %+v, %v", moment, got, err)
		}
	}
}
