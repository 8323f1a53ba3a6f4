package authn_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"labledger/api"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/auth"
	"labledger/internal/programtest"
)

// This file tests that invalid tokens are rejected over HTTP. The tests of package auth cover tokens that only the
// holder of the key can sign.

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forgedTokens returns invalid tokens that are derived from a valid one without its key.
func forgedTokens(t *testing.T, ts *apitest.Server, s apitest.Session) map[string]string {
	t.Helper()
	parts := strings.Split(s.Access, ".")
	header, body, signature := parts[0], parts[1], parts[2]
	claims, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	standardBase64 := strings.NewReplacer("-", "+", "_", "/").Replace(signature)
	otherSignature := strings.Split(ts.CreateSession(s.accountID).Access, ".")[2]
	longClaims := strings.TrimSuffix(string(claims), "}") + `,"x":"` + strings.Repeat("x", 8<<10) + `"}`
	tokens := map[string]string{
		"space":                  " ",
		"garbage":                "garbage",
		"dots":                   "..",
		"three dots":             header + "." + body + "." + signature + ".",
		"five segments":          s.Access + ".x.y",
		"no signature":           header + "." + body + ".",
		"two segments":           header + "." + body,
		"half a signature":       s.Access[:len(s.Access)-len(signature)/2],
		"one character less":     s.Access[:len(s.Access)-1],
		"one character more":     s.Access + "A",
		"padded":                 s.Access + "=",
		"twice":                  s.Access + s.Access,
		"standard base64":        header + "." + body + "." + standardBase64 + "=",
		"another signature":      header + "." + body + "." + otherSignature,
		"space within":           header + ". " + body + "." + signature,
		"leading space":          " " + s.Access,
		"quoted":                 `"` + s.Access + `"`,
		"percent-encoded":        strings.ReplaceAll(s.Access, ".", "%2e"),
		"after a comma":          "x," + s.Access,
		"twice, comma-separated": s.Access + ", Bearer " + s.Access,
		"8 KiB":                  s.Access + strings.Repeat("A", 8<<10),
		"8 KiB of dots":          strings.Repeat(".", 8<<10),
		"8 KiB of claims":        header + "." + b64(longClaims) + "." + signature,
	}
	// The last character of 32 bytes holds 4 bits, so other characters decode to the same bytes.
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, signature[len(signature)-1])
	for other := last &^ 3; other < last&^3+4; other++ {
		if other != last {
			tokens[fmt.Sprint("not canonical ", other-last)] = s.Access[:len(s.Access)-1] + letters[other:other+1]
		}
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "RS256", "ES256", "EdDSA"} {
		head := b64(fmt.Sprintf(`{"alg":%q,"typ":"at+jwt"}`, alg))
		tokens["alg "+alg+", unsigned"], tokens["alg "+alg+", two segments"] = head+"."+body+".", head+"."+body
		if head != header {
			tokens["alg "+alg+", original signature"] = head + "." + body + "." + signature
		}
	}
	jwk := `"jwk":{"kty":"oct","k":"` + b64("my own key, which is long enough") + `"}`
	for _, extra := range []string{
		`"kid":"../../../dev/null"`,
		`"kid":"' OR 1=1 --"`,
		`"jku":"http://127.0.0.1/keys"`,
		`"x5u":"http://127.0.0.1/cert"`,
		jwk,
		`"crit":["exp"]`,
	} {
		text := b64(`{"alg":"HS256","typ":"at+jwt",`+extra+`}`) + "." + body
		tokens["header "+extra] = text + "." + signature
		attackerKey := []byte("my own key, which is long enough")
		tokens["header "+extra+", attacker's key"] = hmacSegments(crypto.SHA256, attackerKey, text)
	}
	for _, key := range []string{"", ts.Secret, "labledger", strings.Repeat("\x00", 32)} {
		hs256, hs512 := header+"."+body, b64(`{"alg":"HS512","typ":"at+jwt"}`)+"."+body
		tokens[fmt.Sprintf("HS256 with a key of %d bytes", len(key))] = hmacSegments(crypto.SHA256, []byte(key), hs256)
		tokens[fmt.Sprintf("HS512 with a key of %d bytes", len(key))] = hmacSegments(crypto.SHA512, []byte(key), hs512)
	}
	tokens["RS256"], tokens["ES256"], tokens["EdDSA"] = attackerTokens(t, body)
	other, err := auth.NewKeys(auth.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	tokens["signed by another server"] = other.SignAccessToken(s.accountID, s.id, time.Now())
	for name, change := range map[string][2]string{
		"a role":           {`{`, `{"role":"admin",`},
		"another account":  {`"sub":"`, `"sub":"1`},
		"another issuer":   {`"iss":"labledger"`, `"iss":"x"`},
		"another audience": {`"aud":"labledger"`, `"aud":"x"`},
		"no exp":           {`"exp":`, `"xep":`},
		"exp twice":        {`"exp":`, `"exp":9999999999,"exp":`},
		"sub twice":        {`"sub":`, `"sub":"1","sub":`},
		"a later exp":      {`"exp":1`, `"exp":2`},
	} {
		changed := strings.Replace(string(claims), change[0], change[1], 1)
		if changed == string(claims) {
			t.Fatalf("%s: %q not found in %s", name, change[0], claims)
		}
		tokens["claims with "+name] = header + "." + b64(changed) + "." + signature
	}
	return tokens
}

// hmacSegments appends the signature of text, the first two segments of a token.
func hmacSegments(hash crypto.Hash, key []byte, text string) string {
	h := hmac.New(hash.New, key)
	h.Write([]byte(text))
	return text + "." + b64(string(h.Sum(nil)))
}

// attackerTokens returns tokens with valid signatures by keys of the attacker.
func attackerTokens(t *testing.T, body string) (rs, es, ed string) {
	t.Helper()
	sign := func(alg string, key crypto.Signer, hash crypto.Hash) string {
		text := b64(`{"alg":"`+alg+`","typ":"at+jwt"}`) + "." + body
		digest := []byte(text)
		if hash != 0 {
			h := hash.New()
			h.Write(digest)
			digest = h.Sum(nil)
		}
		sum, err := key.Sign(rand.Reader, digest, hash)
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + b64(string(sum))
	}
	rsaKey, err1 := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, edKey, err3 := ed25519.GenerateKey(rand.Reader)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	return sign("RS256", rsaKey, crypto.SHA256), sign("ES256", ecKey, crypto.SHA256), sign("EdDSA", edKey, 0)
}

// invalidTokens returns tokens that are correctly signed but invalid, and malformed API tokens.
func invalidTokens(ts *apitest.Server, s apitest.Session) map[string]string {
	keys := ts.Options.Access.Keys
	deletedID, disabledID := ts.CreateAccount("gone", rest.Admin), ts.CreateAccount("off", rest.Admin)
	deletedSession, deletedToken := ts.CreateSession(deletedID), ts.CreateAPIToken(deletedID, rest.Admin)
	disabledSession, disabledToken := ts.CreateSession(disabledID), ts.CreateAPIToken(disabledID, rest.Admin)
	expired, token := ts.CreateSession(s.accountID), ts.CreateAPIToken(s.accountID, rest.Admin)
	ts.Exec("DELETE FROM account WHERE id = $1", deletedID)
	ts.Exec("UPDATE account SET disabled = true WHERE id = $1", disabledID)
	ts.Exec("UPDATE session SET revoked_at = NULL") // so that only the state of the account counts
	ts.Exec("UPDATE api_token SET revoked_at = NULL")
	ts.Exec("UPDATE session SET expires_at = now() WHERE id = $1", expired.id)
	hash, _ := auth.HashAPIToken(token)
	tokens := map[string]string{
		"expired":                     keys.SignAccessToken(s.accountID, s.id, time.Now().Add(-auth.AccessTokenTTL)),
		"not yet valid":               keys.SignAccessToken(s.accountID, s.id, time.Now().Add(2*time.Minute)),
		"session of another account":  keys.SignAccessToken(s.accountID+1000, s.id, time.Now()),
		"unknown session":             keys.SignAccessToken(s.accountID, uuid.New(), time.Now()),
		"nil session":                 keys.SignAccessToken(s.accountID, uuid.Nil, time.Now()),
		"refresh token":               s.Refresh,
		"deleted account":             deletedSession.access,
		"disabled account":            disabledSession.access,
		"expired session":             expired.access,
		"deleted account, API token":  deletedToken,
		"disabled account, API token": disabledToken,
		"truncated API token":         token[:len(token)-1],
		"prefix of an API token":      token[:12],
		"extended API token":          token + "A",
		"API token in capitals":       strings.ToUpper(token),
		"hash of an API token, hex":   fmt.Sprintf("llk_%x", hash),
		"hash of an API token":        "llk_" + b64(string(hash)),
		"API token without llk_":      token[4:],
		"API token with llr_":         "llr_" + token[4:],
	}
	if !ts.Accepts(token) || !ts.Accepts(s.Access) {
		ts.Error("the original tokens are not valid")
	}
	return tokens
}

// TestForgedTokens: invalid tokens are all rejected with the same response, and no part of them is logged.
func TestForgedTokens(t *testing.T) {
	log := &programtest.Output{}
	ts := apitest.New(t, func(o *api.Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s := ts.CreateSession(ts.CreateAccount("root", rest.Admin))
	tokens := forgedTokens(t, ts, s)
	maps.Copy(tokens, invalidTokens(ts, s))
	base := ts.Listen().URL
	bearerHeader := "Authorization: Bearer " + s.Access
	getSites := func(headers ...string) storyRequest { return storyRequest{"GET", "/sites", headers, ""} }
	basicCredentials := base64.StdEncoding.EncodeToString([]byte("root:" + apitest.Password))
	requests := map[string]storyRequest{
		"no header":                    getSites(),
		"empty header":                 getSites("Authorization:"),
		"Bearer without token":         getSites("Authorization: Bearer"),
		"two headers":                  getSites(bearerHeader, bearerHeader),
		"invalid header, valid header": getSites("Authorization: Bearer x", bearerHeader),
		"valid header, invalid header": getSites(bearerHeader, "authorization: Basic eDp4"),
		"no scheme":                    getSites("Authorization: " + s.Access),
		"Basic":                        getSites("Authorization: Basic " + s.Access),
		"Basic with credentials":       getSites("Authorization: Basic " + basicCredentials),
		"JWT":                          getSites("Authorization: JWT " + s.Access),
		"tab":                          getSites("Authorization: Bearer\t" + s.Access),
		"colon":                        getSites("Authorization: Bearer: " + s.Access),
		"query parameter access_token": {"GET", "/sites?access_token=" + s.Access, nil, ""},
		"query parameter with header":  {"GET", "/sites?Authorization=Bearer%20" + s.Access, nil, ""},
		"in the body": {
			"POST", "/todo", []string{"Content-Type: application/json"},
			`{"description": "x", "status": "open", "access_token": "` + s.Access + `"}`,
		},
		"in a form": {
			"POST", "/todo", []string{"Content-Type: application/x-www-form-urlencoded"}, "access_token=" + s.Access,
		},
		"in other cookies":    getSites("Cookie: access_token=" + s.Access + "; Authorization=Bearer%20" + s.Access),
		"Proxy-Authorization": getSites("Proxy-Authorization: Bearer " + s.Access),
		"in other headers": getSites("X-Authorization: Bearer "+s.Access, "X-Api-Key: "+s.Access,
			"X-Original-Authorization: Bearer "+s.Access),
		"headers with a role": {
			"PATCH", "/site/1", []string{"X-Role: admin", "X-Forwarded-User: root", "X-Remote-User: root"}, `{"name": "x"}`,
		},
	}
	for name, token := range tokens {
		requests[name] = getSites("Authorization: Bearer " + token)
		requests[name+", as a cookie"] = getSites("Cookie: " + accessCookie + "=" + token)
	}
	details := ""
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		r := requests[name]
		resp, err := r.send(base)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if details == "" {
			details = apitest.WithoutRequestFields(resp.body)
		}
		if resp.StatusCode != http.StatusUnauthorized || apitest.WithoutRequestFields(resp.body) != details ||
			resp.Header.Get("WWW-Authenticate") != `Bearer realm="labledger"` {
			t.Errorf("%s:\n%s\n%s", name, r, resp)
		}
		for _, reason := range resp.violations(r) {
			t.Errorf("%s: %s\n%s", name, reason, resp)
		}
	}
	// POST /auth/refresh has another response, which is also the same for all invalid tokens.
	details = ""
	unknownSession := auth.RefreshClaims{Session: uuid.New(), Generation: 1}
	for name, token := range map[string]string{
		"access token":    s.Access,
		"API token":       ts.CreateAPIToken(s.accountID, rest.Admin),
		"garbage":         "llr_x",
		"truncated":       s.Refresh[:len(s.Refresh)-1],
		"extended":        s.Refresh + "A",
		"unknown session": ts.Options.Access.Keys.SignRefreshToken(unknownSession),
	} {
		w := ts.Send("", "POST", "/auth/refresh", `{"refresh_token": "`+token+`"}`)
		if details == "" {
			details = apitest.WithoutRequestFields(w.Body.String())
		}
		if w.Code != http.StatusUnauthorized || apitest.WithoutRequestFields(w.Body.String()) != details {
			t.Errorf("refresh with %s: %d %s", name, w.Code, w.Body)
		}
		tokens["refresh with "+name] = token
	}
	for _, header := range []string{
		bearerHeader,
		"authorization: bearer " + s.Access,
		"AUTHORIZATION: BEARER " + s.Access,
		"Authorization:   Bearer " + s.Access + "  ", // HTTP ignores spaces around values
	} {
		if resp, err := getSites(header).send(base); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("valid header %.30s: %v %v", header, resp, err)
		}
	}

	lines := log.String()
	if n := strings.Count(lines, `"msg":"request"`); n < len(requests) {
		t.Errorf("%d requests logged, want at least %d", n, len(requests))
	}
	tokens["valid access token"], tokens["valid refresh token"] = s.Access, s.Refresh
	tokens["signing secret"], tokens["password"] = ts.Secret, apitest.Password
	for name, token := range tokens {
		for _, part := range strings.FieldsFunc(token, func(r rune) bool { return r == '.' || r == ' ' }) {
			if len(part) <= 20 || strings.HasPrefix(part, "AAAAAAAA") {
				continue
			}
			if strings.Contains(lines, part[:20]) {
				t.Errorf("the log contains a part of %s: %s", name, part)
			}
		}
	}
}

// TestMassAssignment: requests that name fields which the caller may not set are rejected.
func TestMassAssignment(t *testing.T) {
	ts := apitest.New(t)
	callerToken := ts.CreateSession(ts.CreateAccount("me", rest.Viewer)).Access
	id := apitest.Value[int64](ts, "INSERT INTO todo (description, status, owner) VALUES ('Mine', 'open', 'me') RETURNING id")
	todo := fmt.Sprint("/todo/", id)
	calls := []struct{ method, target, body string }{
		{"POST", "/auth/register", `{"username": "new", "password": "a new horse for the battery"}`},
		{"POST", "/auth/login", `{"username": "me", "password": "` + apitest.Password + `"}`},
		{"PATCH", "/account", `{"country": "Iceland"}`},
		{"PUT", "/account", `{"country": "Iceland"}`},
		{"POST", "/api/v1/tokens", `{"name": "script"}`},
		{"POST", "/todo", `{"description": "x", "status": "open"}`},
		{"PUT", todo, `{"description": "x", "status": "open"}`},
		{"PATCH", todo, `{"status": "done"}`},
		{"UPDATE", todo, `{"description": "x", "status": "open"}`},
	}
	fields := map[string]any{
		"role": "admin", "Role": "admin", "ROLE": "admin", "roles": []string{"admin"}, "is_admin": true,
		"id": 1 << 40, "version": 99, "xmin": 1, "created_at": "2020-01-01T00:00:00Z", "disabled": true, "risk": "high",
		"owner": "Bob", "actor": "Bob", "account_id": 1, "address": "x", "subject": "x",
		"password_hash": cachedHash(apitest.Password), "hash": "x", "prefix": "llk_", "token": "llk_",
		"expires_at": "2099-01-01T00:00:00Z", "revoked_at": nil, "generation": 7, "session_id": sampleSession,
		"given": []string{"role"}, "caller_id": 1, "caller_role": "admin", "caller_session": sampleSession,
		"__proto__": apitest.Object{"role": "admin"},
	}
	before := ts.TableDigest()
	for _, c := range calls {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			var body object
			if err := json.Unmarshal([]byte(c.body), &body); err != nil {
				t.Fatal(err)
			}
			body[name] = fields[name]
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			want := http.StatusBadRequest
			if name == "version" && c.method != "POST" { // allowed, but stale
				want = http.StatusPreconditionFailed
			}
			if w := ts.Send(callerToken, c.method, c.target, string(text)); w.Code != want {
				t.Errorf("%s %s with %s: %d %s", c.method, c.target, name, w.Code, w.Body)
			}
		}
		if ts.TableDigest() != before {
			t.Fatalf("%s %s changed the database", c.method, c.target)
		}
	}
	for _, c := range calls { // control: without the extra field, all succeed
		ts.MustSend(callerToken, c.method, c.target+"?dry_run=true", c.body)
	}
}
