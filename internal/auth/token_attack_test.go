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

// attackTokens returns tokens that must be rejected, by name. Those named "signed" have a valid signature by the right
// key: they test the strictness of the parser, not the cryptography.
func attackTokens(t testing.TB, k *Keys) map[string]string {
	t.Helper()
	tokens := map[string]string{}
	for _, add := range []func(testing.TB, *Keys, map[string]string){
		algorithmAttacks, headerAttacks, claimAttacks, encodingAttacks,
	} {
		add(t, k, tokens)
	}
	return tokens
}

const validHeader = `{"alg":"HS256","typ":"at+jwt"}`

// validClaims returns the claims of a token issued now, as JSON text that the attacks can modify freely.
func validClaims() string {
	const format = `{"sid":"%s","iss":"labledger","sub":"7","aud":["labledger"],` +
		`"exp":%d,"iat":%d,"jti":"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}`
	return fmt.Sprintf(format, session, now.Unix()+900, now.Unix())
}

// signInput appends an HMAC to a signing input, the encoded header and payload.
func signInput(hash crypto.Hash, key []byte, text string) string {
	h := hmac.New(hash.New, key)
	h.Write([]byte(text))
	return text + "." + encode(h.Sum(nil))
}

// signToken returns a token with any header and payload, signed with the right key.
func signToken(k *Keys, header, payload string) string {
	return signInput(crypto.SHA256, k.access(), encode([]byte(header))+"."+encode([]byte(payload)))
}

func algorithmAttacks(t testing.TB, k *Keys, tokens map[string]string) {
	body := encode([]byte(validClaims()))
	valid := signToken(k, validHeader, validClaims())
	sum := valid[strings.LastIndex(valid, ".")+1:]
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "null", "HS256 ", "hs256", "HS1", "HS2560",
		"HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "A256GCM", "dir"} {
		header := fmt.Sprintf(`{"alg":%q,"typ":"at+jwt"}`, alg)
		text := encode([]byte(header)) + "." + body
		tokens["alg "+alg+" with an empty signature"] = text + "."
		tokens["alg "+alg+" with two segments"] = text
		tokens["alg "+alg+" with a foreign signature"] = text + "." + sum
		tokens["alg "+alg+" signed"] = signToken(k, header, validClaims())
	}
	for alg, hash := range map[string]crypto.Hash{"HS384": crypto.SHA384, "HS512": crypto.SHA512} {
		text := encode([]byte(`{"alg":"`+alg+`","typ":"at+jwt"}`)) + "." + body
		tokens[alg+", signed accordingly"] = signInput(hash, k.access(), text)
		tokens[alg+", truncated to 32 bytes"] = signInput(hash, k.access(), text)[:len(text)+1+43]
		tokens[alg+" with the valid header"] = signInput(hash, k.access(), encode([]byte(validHeader))+"."+body)
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
		for format, key := range map[string][]byte{"DER": der,
			"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})} {
			for _, header := range []string{`{"alg":"` + alg + `","typ":"at+jwt"}`, validHeader} {
				tokens["HMAC with a public key, "+alg+" "+format+" "+header] = signInput(crypto.SHA256, key,
					encode([]byte(header))+"."+body)
			}
		}
	}
	for alg, private := range map[string]any{"RS256": rsaKey, "ES256": ecKey} {
		var c jwt.MapClaims
		if err := json.Unmarshal([]byte(validClaims()), &c); err != nil {
			t.Fatal(err)
		}
		token, err := jwt.NewWithClaims(jwt.GetSigningMethod(alg), c).SignedString(private)
		if err != nil {
			t.Fatal(err)
		}
		tokens["signed with a foreign "+alg+" key"] = token
	}
	for name, key := range map[string][]byte{"no key": nil, "a key of zeros": make([]byte, 32),
		"the secret itself": []byte(secret), "the refresh key": k.refresh(),
		"another secret's key": newKeys(t, otherSecret).access(), "the issuer's name": []byte(issuer),
		"half the key": k.access()[:16]} {
		tokens["signed with "+name] = signInput(crypto.SHA256, key, encode([]byte(validHeader))+"."+body)
	}
}

func headerAttacks(_ testing.TB, k *Keys, tokens map[string]string) {
	jwk := `{"kty":"oct","k":"` + encode(make([]byte, 32)) + `"}`
	for _, header := range []string{
		`{"alg":"HS256","typ":"at+jwt","kid":"1"}`, `{"alg":"HS256","kid":"../../dev/null","typ":"at+jwt"}`,
		`{"alg":"HS256","typ":"at+jwt","kid":"' OR 1=1 --"}`,
		`{"alg":"HS256","jku":"https://example.com/k","typ":"at+jwt"}`,
		`{"alg":"HS256","typ":"at+jwt","x5u":"https://example.com/k"}`,
		`{"alg":"HS256","typ":"at+jwt","x5c":["AAAA"]}`, `{"alg":"HS256","jwk":` + jwk + `,"typ":"at+jwt"}`,
		`{"alg":"HS256","typ":"at+jwt","crit":["exp"]}`,
		`{"alg":"HS256","b64":false,"crit":["b64"],"typ":"at+jwt"}`, `{"alg":"HS256","typ":"at+jwt","zip":"DEF"}`,
		`{"alg":"HS256","cty":"JWT","typ":"at+jwt"}`,
		`{"typ":"at+jwt","alg":"HS256"}`, `{"alg":"HS256", "typ":"at+jwt"}`, ` {"alg":"HS256","typ":"at+jwt"}`,
		`{"alg":"HS256","typ":"at+jwt"}` + "\n",
		`{"alg":"HS256","typ":"JWT"}`, `{"alg":"HS256","typ":"jwt"}`, `{"alg":"HS256","typ":"AT+JWT"}`,
		`{"alg":"HS256","typ":"application/at+jwt"}`, `{"alg":"HS256"}`,
		`{"alg":"HS256","typ":"at\u002bjwt"}`, `{"\u0061lg":"HS256","typ":"at+jwt"}`,
		`{"alg":"HS256","alg":"none","typ":"at+jwt"}`, `{"alg":"none","alg":"HS256","typ":"at+jwt"}`,
		`{"ALG":"none","alg":"HS256","typ":"at+jwt"}`, `{"alg":["HS256"],"typ":"at+jwt"}`,
		`{"alg":null,"typ":"at+jwt"}`, `{"typ":"at+jwt"}`, `{}`, ``, `null`, `[]`, `"HS256"`,
		`{"alg":"HS256","typ":"at+jwt"}{}`, `{"alg":"HS256","typ":"at+jwt"`,
		`{"alg":"HS256","typ":"at+jwt","enc":"A256GCM"}`,
	} {
		tokens["header signed "+header] = signToken(k, header, validClaims())
	}
}

func TestParseAccessToken_rejectsAttacks(t *testing.T) {
	k := newKeys(t, secret)
	tokens := attackTokens(t, k)
	got, err := k.ParseAccessToken(signToken(k, validHeader, validClaims()), now)
	if err != nil || got != (AccessClaims{7, session, now.Add(AccessTokenTTL)}) {
		t.Fatalf("the unmodified token is rejected: %+v, %v", got, err)
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
		t.Errorf("%d attacks, want at least 250", len(tokens))
	}
}

// Every change of a single byte and every truncation is rejected.
func TestParseAccessToken_rejectsChangedBytes(t *testing.T) {
	k := newKeys(t, secret)
	valid := k.SignAccessToken(7, session, now)
	for i := range valid {
		for c := range 256 {
			token := []byte(valid)
			if token[i] = byte(c); string(token) == valid {
				continue
			}
			if got, err := k.ParseAccessToken(string(token), now); err != ErrToken {
				t.Fatalf("byte %d changed to %q: %+v, %v", i, rune(c), got, err)
			}
		}
		if _, err := k.ParseAccessToken(valid[:i], now); err != ErrToken {
			t.Fatalf("truncated to %d bytes: %v", i, err)
		}
	}
}

// Negative control: a typical lenient parser accepts many of the attacks, so TestParseAccessToken_rejectsAttacks can
// fail.
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
	t.Logf("the lenient parser accepts %d attacks", len(accepted))
	for _, name := range []string{
		"HS384, signed accordingly", "HS512, signed accordingly",
		`header signed {"alg":"HS256","typ":"at+jwt","kid":"1"}`, `header signed {"alg":"HS256","typ":"JWT"}`,
		`header signed {"alg":"HS256","typ":"at+jwt","crit":["exp"]}`, `header signed {"typ":"at+jwt","alg":"HS256"}`,
		"claims signed: extra member role", "claims signed: iss twice", "claims signed: exp missing",
		"claims signed: foreign aud", "claims signed: exp 1e9 seconds late", "a newline inside the signature",
		"trailing bits in the signature", "trailing bits in the payload, signed", "8 KiB of jti, signed",
	} {
		if !accepted[name] {
			t.Errorf("the lenient parser rejects %q", name)
		}
	}
}
