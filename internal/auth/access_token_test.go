package auth

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestAccessToken_roundTrip(t *testing.T) {
	k, same := newKeys(t, secret), newKeys(t, secret)
	for _, id := range []int64{0, 1, 42, 1 << 53, math.MaxInt64} {
		for _, s := range []uuid.UUID{session, uuid.Nil, uuid.Max, uuid.New()} {
			token := k.SignAccessToken(id, s, now.Add(999*time.Millisecond))
			got, err := same.ParseAccessToken(token, now)
			if want := (AccessClaims{AccountID: id, Session: s, Expires: now.Add(AccessTokenTTL)}); err != nil || got != want {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
			if len(token) > maxAccessTokenLen/2 {
				t.Errorf("the token has %d bytes", len(token))
			}
		}
	}
	if one, other := k.SignAccessToken(1, session, now), k.SignAccessToken(1, session, now); one == other {
		t.Error("two tokens are alike")
	}
	if got, err := k.ParseAccessToken(k.SignAccessToken(-1, session, now), now); !errors.Is(err, ErrToken) {
		t.Errorf("a negative account is read as %+v", got)
	}
}

// TestAccessToken_isJWT holds what others who read the token may rely upon.
func TestAccessToken_isJWT(t *testing.T) {
	parts := strings.Split(newKeys(t, secret).SignAccessToken(7, session, now), ".")
	if header, ok := decode(parts[0]); !ok || string(header) != `{"alg":"HS256","typ":"at+jwt"}` {
		t.Errorf("the header is %s", header)
	}
	payload, _ := decode(parts[1])
	var got map[string]any
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	if id, _ := got["jti"].(string); len(id) < 26 {
		t.Errorf("jti is %v", got["jti"])
	}
	delete(got, "jti")
	text, _ := json.Marshal(got)
	want := `{"aud":"labledger","exp":1796040900,"iat":1796040000,"iss":"labledger","nbf":1796040000,` +
		`"sid":"0199c0de-1234-7abc-8def-0123456789ab","sub":"7"}`
	if string(text) != want || now.Unix() != 1796040000 {
		t.Errorf("the claims are %s", text)
	}
}

// TestParseAccessToken_validityPeriod reads one token at several times, to the second.
func TestParseAccessToken_validityPeriod(t *testing.T) {
	k := newKeys(t, secret)
	token := k.SignAccessToken(1, session, now)
	for after, good := range map[time.Duration]bool{
		-time.Hour: false, -31 * time.Second: false, -30*time.Second - 1: false, -30 * time.Second: true, 0: true, AccessTokenTTL - 1: true,
		AccessTokenTTL: false, AccessTokenTTL + time.Second: false, AccessTokenTTL + 29*time.Second: false, 1000 * time.Hour: false,
	} {
		if got, err := k.ParseAccessToken(token, now.Add(after)); (err == nil) != good || !good && (err != ErrToken || got != (AccessClaims{})) {
			t.Errorf("%v after it is made: %+v, %v", after, got, err)
		}
	}
	for _, when := range []time.Time{{}, time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0)} {
		if got, err := k.ParseAccessToken(token, when); err != ErrToken {
			t.Errorf("at %v: %+v, %v", when, got, err)
		}
	}
}
