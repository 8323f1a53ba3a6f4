package authn_test

import (
	"bufio"
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
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"labledger/api"
	"labledger/api/authn"
	"labledger/api/rest"
	"labledger/internal/apitest"
	"labledger/internal/auth"
	"labledger/internal/pgtest"
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
	otherSignature := strings.Split(ts.CreateSession(s.AccountID).Access, ".")[2]
	tokens := map[string]string{"another signature": header + "." + body + "." + otherSignature}
	maps.Copy(tokens, malformedTokens(header, body, signature, string(claims)))
	maps.Copy(tokens, headerAttacks(header, body, signature))
	maps.Copy(tokens, claimAttacks(t, header, string(claims), signature))
	maps.Copy(tokens, keyAttacks(t, ts, header, body))
	other, err := auth.NewKeys(auth.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	tokens["signed by another server"] = other.SignAccessToken(s.AccountID, s.ID, time.Now())
	return tokens
}

// malformedTokens returns changes to the text of a token.
func malformedTokens(header, body, signature, claims string) map[string]string {
	token := header + "." + body + "." + signature
	standardBase64 := strings.NewReplacer("-", "+", "_", "/").Replace(signature)
	longClaims := strings.TrimSuffix(claims, "}") + `,"x":"` + strings.Repeat("x", 8<<10) + `"}`
	tokens := map[string]string{
		"space":                  " ",
		"garbage":                "garbage",
		"dots":                   "..",
		"three dots":             token + ".",
		"five segments":          token + ".x.y",
		"no signature":           header + "." + body + ".",
		"two segments":           header + "." + body,
		"half a signature":       token[:len(token)-len(signature)/2],
		"one character less":     token[:len(token)-1],
		"one character more":     token + "A",
		"padded":                 token + "=",
		"twice":                  token + token,
		"standard base64":        header + "." + body + "." + standardBase64 + "=",
		"space within":           header + ". " + body + "." + signature,
		"leading space":          " " + token,
		"quoted":                 `"` + token + `"`,
		"percent-encoded":        strings.ReplaceAll(token, ".", "%2e"),
		"after a comma":          "x," + token,
		"twice, comma-separated": token + ", Bearer " + token,
		"8 KiB":                  token + strings.Repeat("A", 8<<10),
		"8 KiB of dots":          strings.Repeat(".", 8<<10),
		"8 KiB of claims":        header + "." + b64(longClaims) + "." + signature,
	}
	// The last character of 32 bytes holds 4 bits, so other characters decode to the same bytes.
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, signature[len(signature)-1])
	for other := last &^ 3; other < last&^3+4; other++ {
		if other != last {
			tokens[fmt.Sprint("not canonical ", other-last)] = token[:len(token)-1] + letters[other:other+1]
		}
	}
	return tokens
}

// headerAttacks returns tokens with headers that name another algorithm or key.
func headerAttacks(header, body, signature string) map[string]string {
	tokens := map[string]string{}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "RS256", "ES256", "EdDSA"} {
		head := b64(fmt.Sprintf(`{"alg":%q,"typ":"at+jwt"}`, alg))
		tokens["alg "+alg+", unsigned"], tokens["alg "+alg+", two segments"] = head+"."+body+".", head+"."+body
		if head != header {
			tokens["alg "+alg+", original signature"] = head + "." + body + "." + signature
		}
	}
	attackerKey := "my own key, which is long enough"
	for _, extra := range []string{
		`"kid":"../../../dev/null"`,
		`"kid":"' OR 1=1 --"`,
		`"jku":"http://127.0.0.1/keys"`,
		`"x5u":"http://127.0.0.1/cert"`,
		`"jwk":{"kty":"oct","k":"` + b64(attackerKey) + `"}`,
		`"crit":["exp"]`,
	} {
		text := b64(`{"alg":"HS256","typ":"at+jwt",`+extra+`}`) + "." + body
		tokens["header "+extra] = text + "." + signature
		tokens["header "+extra+", attacker's key"] = hmacSegments(crypto.SHA256, []byte(attackerKey), text)
	}
	return tokens
}

// claimAttacks returns tokens with other claims and the original signature.
func claimAttacks(t *testing.T, header, claims, signature string) map[string]string {
	t.Helper()
	tokens := map[string]string{}
	for name, change := range map[string][2]string{
		"a role":           {`{`, `{"role":"admin",`},
		"another account":  {`"sub":"`, `"sub":"1`},
		"another issuer":   {`"iss":"labledger"`, `"iss":"x"`},
		"another audience": {`"aud":["labledger"]`, `"aud":["x"]`},
		"no exp":           {`"exp":`, `"xep":`},
		"exp twice":        {`"exp":`, `"exp":9999999999,"exp":`},
		"sub twice":        {`"sub":`, `"sub":"1","sub":`},
		"a later exp":      {`"exp":1`, `"exp":2`},
	} {
		changed := strings.Replace(claims, change[0], change[1], 1)
		if changed == claims {
			t.Fatalf("%s: %q not found in %s", name, change[0], claims)
		}
		tokens["claims with "+name] = header + "." + b64(changed) + "." + signature
	}
	return tokens
}

// keyAttacks returns tokens with valid signatures by other keys.
func keyAttacks(t *testing.T, ts *apitest.Server, header, body string) map[string]string {
	t.Helper()
	tokens := map[string]string{}
	for _, key := range []string{"", ts.Secret, "labledger", strings.Repeat("\x00", 32)} {
		hs256, hs512 := header+"."+body, b64(`{"alg":"HS512","typ":"at+jwt"}`)+"."+body
		tokens[fmt.Sprintf("HS256 with the key %q", key)] = hmacSegments(crypto.SHA256, []byte(key), hs256)
		tokens[fmt.Sprintf("HS512 with the key %q", key)] = hmacSegments(crypto.SHA512, []byte(key), hs512)
	}
	tokens["RS256"], tokens["ES256"], tokens["EdDSA"] = attackerTokens(t, body)
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
	expired, token := ts.CreateSession(s.AccountID), ts.CreateAPIToken(s.AccountID, rest.Admin)
	ts.Exec("DELETE FROM account WHERE id = $1", deletedID)
	ts.Exec("UPDATE account SET disabled = true WHERE id = $1", disabledID)
	ts.Exec("UPDATE session SET revoked_at = NULL") // so that only the state of the account counts
	ts.Exec("UPDATE api_token SET revoked_at = NULL")
	ts.Exec("UPDATE session SET expires_at = now() WHERE id = $1", expired.ID)
	hash, _ := auth.HashAPIToken(token)
	tokens := map[string]string{
		"expired":                     keys.SignAccessToken(s.AccountID, s.ID, time.Now().Add(-auth.AccessTokenTTL)),
		"not yet valid":               keys.SignAccessToken(s.AccountID, s.ID, time.Now().Add(2*time.Minute)),
		"session of another account":  keys.SignAccessToken(s.AccountID+1000, s.ID, time.Now()),
		"unknown session":             keys.SignAccessToken(s.AccountID, uuid.New(), time.Now()),
		"nil session":                 keys.SignAccessToken(s.AccountID, uuid.Nil, time.Now()),
		"refresh token":               s.Refresh,
		"deleted account":             deletedSession.Access,
		"disabled account":            disabledSession.Access,
		"expired session":             expired.Access,
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

// A rawRequest is sent byte for byte, valid or not.
type rawRequest struct {
	method, target string
	headers        []string
	body           string
}

// send sends the request on a new connection and returns the response with its body.
func (r rawRequest) send(base string) (*http.Response, string, error) {
	host := strings.TrimPrefix(base, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(pgtest.WaitTimeout))
	headers := append([]string{"Host: " + host, "Connection: close"}, r.headers...)
	headers = append(headers, fmt.Sprintf("Content-Length: %d", len(r.body)))
	text := r.method + " " + r.target + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + r.body
	// The response may arrive before the request is sent completely. Closing the connection ends the write.
	go func() { _, _ = io.WriteString(conn, text) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// getSites is a request that needs a viewer.
func getSites(headers ...string) rawRequest { return rawRequest{"GET", "/sites", headers, ""} }

// misplacedTokens returns requests with a valid token at a place where it must be ignored.
func misplacedTokens(token string) map[string]rawRequest {
	bearer := "Authorization: Bearer " + token
	basicCredentials := base64.StdEncoding.EncodeToString([]byte("root:" + apitest.Password))
	return map[string]rawRequest{
		"no header":                    getSites(),
		"empty header":                 getSites("Authorization:"),
		"Bearer without token":         getSites("Authorization: Bearer"),
		"two headers":                  getSites(bearer, bearer),
		"invalid header, valid header": getSites("Authorization: Bearer x", bearer),
		"valid header, invalid header": getSites(bearer, "authorization: Basic eDp4"),
		"no scheme":                    getSites("Authorization: " + token),
		"Basic":                        getSites("Authorization: Basic " + token),
		"Basic with credentials":       getSites("Authorization: Basic " + basicCredentials),
		"JWT":                          getSites("Authorization: JWT " + token),
		"tab":                          getSites("Authorization: Bearer\t" + token),
		"colon":                        getSites("Authorization: Bearer: " + token),
		"query parameter access_token": {"GET", "/sites?access_token=" + token, nil, ""},
		"query parameter with header":  {"GET", "/sites?Authorization=Bearer%20" + token, nil, ""},
		"in the body": {
			"POST", "/todo", []string{"Content-Type: application/json"},
			`{"description": "x", "status": "open", "access_token": "` + token + `"}`,
		},
		"in a form": {
			"POST", "/todo", []string{"Content-Type: application/x-www-form-urlencoded"}, "access_token=" + token,
		},
		"in other cookies":    getSites("Cookie: access_token=" + token + "; Authorization=Bearer%20" + token),
		"Proxy-Authorization": getSites("Proxy-Authorization: Bearer " + token),
		"in other headers": getSites("X-Authorization: Bearer "+token, "X-Api-Key: "+token,
			"X-Original-Authorization: Bearer "+token),
		"headers with a role": {
			"PATCH", "/site/1", []string{"X-Role: admin", "X-Forwarded-User: root", "X-Remote-User: root"}, `{"name": "x"}`,
		},
	}
}

// TestForgedTokens: invalid tokens are all rejected with the same response, and no part of them is logged.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	log := &programtest.Output{}
	ts := apitest.New(t, func(o *api.Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s := ts.CreateSession(ts.CreateAccount("root", rest.Admin))
	tokens := forgedTokens(t, ts, s)
	maps.Copy(tokens, invalidTokens(ts, s))
	requests := misplacedTokens(s.Access)
	for name, token := range tokens {
		requests[name] = getSites("Authorization: Bearer " + token)
		requests[name+", as a cookie"] = getSites("Cookie: " + authn.AccessCookie + "=" + token)
	}
	base := ts.Listen().URL
	details := ""
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		response, body, err := requests[name].send(base)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if details == "" {
			details = apitest.WithoutRequestFields(body)
		}
		if response.StatusCode != http.StatusUnauthorized || apitest.WithoutRequestFields(body) != details ||
			response.Header.Get("WWW-Authenticate") != `Bearer realm="labledger"` {
			t.Errorf("%s: %v\n%v\n%s", name, requests[name], response, body)
		}
	}
	checkValidHeaders(t, base, s.Access)
	maps.Copy(tokens, sendInvalidRefreshTokens(ts, s))
	lines := log.String()
	if n := strings.Count(lines, `"msg":"request"`); n < len(requests) {
		t.Errorf("%d requests logged, want at least %d", n, len(requests))
	}
	tokens["valid access token"], tokens["valid refresh token"] = s.Access, s.Refresh
	tokens["signing secret"], tokens["password"] = ts.Secret, apitest.Password
	checkNotLogged(t, lines, tokens)
}

// checkValidHeaders is the control of TestForgedTokens: the valid token is accepted in each spelling of the header.
func checkValidHeaders(t *testing.T, base, token string) {
	t.Helper()
	for _, header := range []string{
		"Authorization: Bearer " + token,
		"authorization: bearer " + token,
		"AUTHORIZATION: BEARER " + token,
		"Authorization:   Bearer " + token + "  ", // HTTP ignores spaces around values
	} {
		response, body, err := getSites(header).send(base)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("valid header %.30s: %v %s", header, err, body)
		}
	}
}

// sendInvalidRefreshTokens sends invalid refresh tokens and returns them. All get the same response, which differs from
// that of other routes.
func sendInvalidRefreshTokens(ts *apitest.Server, s apitest.Session) map[string]string {
	ts.Helper()
	unknownSession := auth.RefreshClaims{Session: uuid.New(), Generation: 1}
	tokens := map[string]string{
		"refresh with an access token": s.Access,
		"refresh with an API token":    ts.CreateAPIToken(s.AccountID, rest.Admin),
		"refresh with garbage":         "llr_x",
		"refresh, truncated":           s.Refresh[:len(s.Refresh)-1],
		"refresh, extended":            s.Refresh + "A",
		"refresh, unknown session":     ts.Options.Access.Keys.SignRefreshToken(unknownSession),
	}
	details := ""
	for name, token := range tokens {
		w := ts.Send("", "POST", "/auth/refresh", `{"refresh_token": "`+token+`"}`)
		if details == "" {
			details = apitest.WithoutRequestFields(w.Body.String())
		}
		if w.Code != http.StatusUnauthorized || apitest.WithoutRequestFields(w.Body.String()) != details {
			ts.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	return tokens
}

// checkNotLogged checks that the log contains no part of a token.
func checkNotLogged(t *testing.T, lines string, tokens map[string]string) {
	t.Helper()
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
	t.Parallel()
	ts := apitest.New(t)
	callerToken := ts.SignIn("me", rest.Viewer)
	id := apitest.Value[int64](ts,
		"INSERT INTO todo (description, status, owner) VALUES ('Mine', 'open', 'me') RETURNING id")
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
		"password_hash": hashOfAnother(), "hash": "x", "prefix": "llk_", "token": "llk_",
		"expires_at": "2099-01-01T00:00:00Z", "revoked_at": nil, "generation": 7, "session_id": uuid.NewString(),
		"given": []string{"role"}, "caller_id": 1, "caller_role": "admin", "caller_session": uuid.NewString(),
		"__proto__": apitest.Object{"role": "admin"},
	}
	before := ts.TableDigest()
	for _, c := range calls {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			var body apitest.Object
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
