package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// attackTokens are tokens to refuse, by name. Those that say "signed" have a good signature by the right key: what is held there is not the
// cryptography but the strictness.
func attackTokens(t testing.TB, k *Keys) map[string]string {
	t.Helper()
	tokens := map[string]string{}
	for _, add := range []func(testing.TB, *Keys, map[string]string){algorithmAttacks, headerAttacks, claimAttacks, encodingAttacks} {
		add(t, k, tokens)
	}
	return tokens
}

const validHeader = `{"alg":"HS256","typ":"at+jwt"}`

// validClaims are the claims of a token made now. They are text, so that attacks can spell them in every way.
func validClaims() string {
	return fmt.Sprintf(`{"iss":"labledger","aud":"labledger","sub":"7","sid":"%s","iat":%d,"nbf":%d,"exp":%d,"jti":"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}`,
		session, now.Unix(), now.Unix(), now.Unix()+900)
}

// signInput signs a text of two segments as they stand.
func signInput(hash crypto.Hash, key []byte, text string) string {
	h := hmac.New(hash.New, key)
	h.Write([]byte(text))
	return text + "." + encode(h.Sum(nil))
}

// signToken makes a token of any header and payload with the right key.
func signToken(k *Keys, header, payload string) string {
	return signInput(crypto.SHA256, k.access(), encode([]byte(header))+"."+encode([]byte(payload)))
}

func algorithmAttacks(t testing.TB, k *Keys, tokens map[string]string) {
	body := encode([]byte(validClaims()))
	good := signToken(k, validHeader, validClaims())
	sum := good[strings.LastIndex(good, ".")+1:]
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "null", "HS256 ", "hs256", "HS1", "HS2560", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "A256GCM", "dir"} {
		header := fmt.Sprintf(`{"alg":%q,"typ":"at+jwt"}`, alg)
		text := encode([]byte(header)) + "." + body
		tokens["alg "+alg+" with an empty signature"] = text + "."
		tokens["alg "+alg+" with two segments"] = text
		tokens["alg "+alg+" with another's signature"] = text + "." + sum
		tokens["alg "+alg+" signed"] = signToken(k, header, validClaims())
	}
	for alg, hash := range map[string]crypto.Hash{"HS384": crypto.SHA384, "HS512": crypto.SHA512} {
		text := encode([]byte(`{"alg":"`+alg+`","typ":"at+jwt"}`)) + "." + body
		tokens[alg+", signed so"] = signInput(hash, k.access(), text)
		tokens[alg+", cut to 32 bytes"] = signInput(hash, k.access(), text)[:len(text)+1+43]
		tokens[alg+" under the good header"] = signInput(hash, k.access(), encode([]byte(validHeader))+"."+body)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for alg, public := range map[string]any{"RS256": rsaKey.Public(), "ES256": ecKey.Public()} {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		for form, key := range map[string][]byte{"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
			for _, header := range []string{`{"alg":"` + alg + `","typ":"at+jwt"}`, validHeader} {
				tokens["HMAC with a public key, "+alg+" "+form+" "+header] = signInput(crypto.SHA256, key, encode([]byte(header))+"."+body)
			}
		}
	}
	for alg, private := range map[string]any{"RS256": rsaKey, "ES256": ecKey} {
		var c jwt.MapClaims
		if err := json.Unmarshal([]byte(validClaims()), &c); err != nil {
			t.Fatal(err)
		}
		if tokens["their own "+alg], err = jwt.NewWithClaims(jwt.GetSigningMethod(alg), c).SignedString(private); err != nil {
			t.Fatal(err)
		}
	}
	for name, key := range map[string][]byte{"no key": nil, "a key of zeros": make([]byte, 32), "the secret itself": []byte(secret), "the refresh key": k.refresh(),
		"another secret's key": newKeys(t, otherSecret).access(), "the issuer's name": []byte(issuer), "half the key": k.access()[:16]} {
		tokens["signed with "+name] = signInput(crypto.SHA256, key, encode([]byte(validHeader))+"."+body)
	}
}

func headerAttacks(_ testing.TB, k *Keys, tokens map[string]string) {
	jwk := `{"kty":"oct","k":"` + encode(make([]byte, 32)) + `"}`
	for _, header := range []string{
		`{"alg":"HS256","typ":"at+jwt","kid":"1"}`, `{"alg":"HS256","kid":"../../dev/null","typ":"at+jwt"}`, `{"alg":"HS256","typ":"at+jwt","kid":"' OR 1=1 --"}`,
		`{"alg":"HS256","jku":"https://example.com/k","typ":"at+jwt"}`, `{"alg":"HS256","typ":"at+jwt","x5u":"https://example.com/k"}`,
		`{"alg":"HS256","typ":"at+jwt","x5c":["AAAA"]}`, `{"alg":"HS256","jwk":` + jwk + `,"typ":"at+jwt"}`, `{"alg":"HS256","typ":"at+jwt","crit":["exp"]}`,
		`{"alg":"HS256","b64":false,"crit":["b64"],"typ":"at+jwt"}`, `{"alg":"HS256","typ":"at+jwt","zip":"DEF"}`, `{"alg":"HS256","cty":"JWT","typ":"at+jwt"}`,
		`{"typ":"at+jwt","alg":"HS256"}`, `{"alg":"HS256", "typ":"at+jwt"}`, ` {"alg":"HS256","typ":"at+jwt"}`, `{"alg":"HS256","typ":"at+jwt"}` + "\n",
		`{"alg":"HS256","typ":"JWT"}`, `{"alg":"HS256","typ":"jwt"}`, `{"alg":"HS256","typ":"AT+JWT"}`, `{"alg":"HS256","typ":"application/at+jwt"}`, `{"alg":"HS256"}`,
		`{"alg":"HS256","typ":"at\u002bjwt"}`, `{"\u0061lg":"HS256","typ":"at+jwt"}`, `{"alg":"HS256","alg":"none","typ":"at+jwt"}`, `{"alg":"none","alg":"HS256","typ":"at+jwt"}`,
		`{"ALG":"none","alg":"HS256","typ":"at+jwt"}`, `{"alg":["HS256"],"typ":"at+jwt"}`, `{"alg":null,"typ":"at+jwt"}`, `{"typ":"at+jwt"}`, `{}`, ``, `null`, `[]`, `"HS256"`,
		`{"alg":"HS256","typ":"at+jwt"}{}`, `{"alg":"HS256","typ":"at+jwt"`, `{"alg":"HS256","typ":"at+jwt","enc":"A256GCM"}`,
	} {
		tokens["header signed "+header] = signToken(k, header, validClaims())
	}
}

func TestParseAccessToken_rejectsAttacks(t *testing.T) {
	k := newKeys(t, secret)
	tokens := attackTokens(t, k)
	if got, err := k.ParseAccessToken(signToken(k, validHeader, validClaims()), now); err != nil || got != (AccessClaims{7, session, now.Add(AccessTokenTTL)}) {
		t.Fatalf("the token that the attacks change is not good: %+v, %v", got, err)
	}
	for name, token := range tokens {
		if got, err := k.ParseAccessToken(token, now); err != ErrToken || got != (AccessClaims{}) {
			t.Errorf("%s: %+v, %v\n%s", name, got, err, token)
		}
		if got, err := k.ParseRefreshToken(token); err != ErrToken && name != "refresh token" {
			t.Errorf("%s as a refresh token: %+v, %v", name, got, err)
		}
		if _, err := HashAPIToken(token); err != ErrToken && name != "API token" {
			t.Errorf("%s as an API token: %v", name, err)
		}
	}
	if len(tokens) < 250 {
		t.Errorf("only %d attacks", len(tokens))
	}
}

// TestParseAccessToken_rejectsChangedBytes changes each byte of a token to each other value.
func TestParseAccessToken_rejectsChangedBytes(t *testing.T) {
	k := newKeys(t, secret)
	good := k.SignAccessToken(7, session, now)
	for i := range good {
		for c := range 256 {
			token := []byte(good)
			if token[i] = byte(c); string(token) == good {
				continue
			}
			if got, err := k.ParseAccessToken(string(token), now); err != ErrToken {
				t.Fatalf("byte %d changed to %q: %+v, %v", i, rune(c), got, err)
			}
		}
		if _, err := k.ParseAccessToken(good[:i], now); err != ErrToken {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
}

// TestAttacks_lenientParserAcceptsSome is the negative control: a reader as one finds them accepts much of the list, so the list can fail.
func TestAttacks_lenientParserAcceptsSome(t *testing.T) {
	k := newKeys(t, secret)
	accepted := map[string]bool{}
	for name, token := range attackTokens(t, k) {
		_, err := jwt.Parse(token, func(token *jwt.Token) (any, error) {
			if _, ok := token.Method.(*jwt.SigningMethodHMAC); !ok {
				return nil, jwt.ErrTokenUnverifiable
			}
			return k.access(), nil
		}, jwt.WithTimeFunc(func() time.Time { return now }))
		if err == nil {
			accepted[name] = true
		}
	}
	t.Logf("a lax reader accepts %d", len(accepted))
	for _, name := range []string{
		"HS384, signed so", "HS512, signed so", `header signed {"alg":"HS256","typ":"at+jwt","kid":"1"}`, `header signed {"alg":"HS256","typ":"JWT"}`,
		`header signed {"alg":"HS256","typ":"at+jwt","crit":["exp"]}`, `header signed {"typ":"at+jwt","alg":"HS256"}`,
		"claims signed: extra role", "claims signed: iss twice", "claims signed: exp left out", "claims signed: aud of another", "claims signed: exp 1e9 off",
		"a newline within the signature", "trailing bits in the signature", "trailing bits in the payload, signed", "8 KiB of jti, signed",
	} {
		if !accepted[name] {
			t.Errorf("even a lax reader refuses %q", name)
		}
	}
}
