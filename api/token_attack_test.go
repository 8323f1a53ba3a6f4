package api

import (
	"bytes"
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
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"labledger/internal/auth"
)

// This file holds what comes in by HTTP and is no good token. Package auth's tests have the tokens that only who has the key can make.

// A syncBuffer may be written by a server that still runs.
type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *syncBuffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// forgedTokens are tokens made of a good one, without its key.
func forgedTokens(t *testing.T, ts *testServer, s testSession) map[string]string {
	t.Helper()
	parts := strings.Split(s.access, ".")
	header, body, sum := parts[0], parts[1], parts[2]
	claims, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]string{
		"nothing": " ", "garbage": "garbage", "points": "..", "three points": header + "." + body + "." + sum + ".", "five segments": s.access + ".x.y",
		"no signature": header + "." + body + ".", "two segments": header + "." + body, "half a signature": s.access[:len(s.access)-len(sum)/2],
		"a letter less": s.access[:len(s.access)-1], "a letter more": s.access + "A", "padded": s.access + "=", "twice": s.access + s.access,
		"standard base64": header + "." + body + "." + strings.NewReplacer("-", "+", "_", "/").Replace(sum) + "=", "another's signature": header + "." + body + "." + strings.Split(ts.createSession(s.accountID).access, ".")[2],
		"spaces within": header + ". " + body + "." + sum, "a space before": " " + s.access, "quoted": `"` + s.access + `"`, "percent": strings.ReplaceAll(s.access, ".", "%2e"),
		"after a comma": "x," + s.access, "twice, with a comma": s.access + ", Bearer " + s.access, "8 KiB": s.access + strings.Repeat("A", 8<<10), "8 KiB of points": strings.Repeat(".", 8<<10),
		"8 KiB of claims": header + "." + b64(strings.TrimSuffix(string(claims), "}")+`,"x":"`+strings.Repeat("x", 8<<10)+`"}`) + "." + sum,
	}
	// The last letter of 32 bytes holds 4 bits, so other letters decode to the same bytes.
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, sum[len(sum)-1])
	for other := last &^ 3; other < last&^3+4; other++ {
		if other != last {
			list[fmt.Sprint("not canonical ", other-last)] = s.access[:len(s.access)-1] + letters[other:other+1]
		}
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "RS256", "ES256", "EdDSA"} {
		head := b64(fmt.Sprintf(`{"alg":%q,"typ":"at+jwt"}`, alg))
		list["alg "+alg+", unsigned"], list["alg "+alg+", two segments"] = head+"."+body+".", head+"."+body
		if head != header {
			list["alg "+alg+", signed as it was"] = head + "." + body + "." + sum
		}
	}
	jwk := `"jwk":{"kty":"oct","k":"` + b64("my own key, which is long enough") + `"}`
	for _, more := range []string{`"kid":"../../../dev/null"`, `"kid":"' OR 1=1 --"`, `"jku":"http://127.0.0.1/keys"`, `"x5u":"http://127.0.0.1/cert"`, jwk, `"crit":["exp"]`} {
		text := b64(`{"alg":"HS256","typ":"at+jwt",`+more+`}`) + "." + body
		list["header "+more] = text + "." + sum
		list["header "+more+", own key"] = hmacSegments(crypto.SHA256, []byte("my own key, which is long enough"), text)
	}
	for _, key := range []string{"", ts.secret, "labledger", strings.Repeat("\x00", 32)} {
		list[fmt.Sprintf("HS256 by the key of %d bytes", len(key))] = hmacSegments(crypto.SHA256, []byte(key), header+"."+body)
		list[fmt.Sprintf("HS512 by the key of %d bytes", len(key))] = hmacSegments(crypto.SHA512, []byte(key), b64(`{"alg":"HS512","typ":"at+jwt"}`)+"."+body)
	}
	list["RS256"], list["ES256"], list["EdDSA"] = attackerTokens(t, body)
	other, err := auth.NewKeys(auth.NewSecret())
	if err != nil {
		t.Fatal(err)
	}
	list["another server's"] = other.SignAccessToken(s.accountID, s.id, time.Now())
	for name, change := range map[string][2]string{
		"a role": {`{`, `{"role":"admin",`}, "another account": {`"sub":"`, `"sub":"1`}, "another issuer": {`"iss":"labledger"`, `"iss":"x"`}, "another audience": {`"aud":"labledger"`, `"aud":"x"`},
		"no exp": {`"exp":`, `"xep":`}, "exp twice": {`"exp":`, `"exp":9999999999,"exp":`}, "sub twice": {`"sub":`, `"sub":"1","sub":`}, "a later exp": {`"exp":1`, `"exp":2`},
	} {
		changed := strings.Replace(string(claims), change[0], change[1], 1)
		if changed == string(claims) {
			t.Fatalf("%s: nothing to change in %s", name, claims)
		}
		list["claims with "+name] = header + "." + b64(changed) + "." + sum
	}
	return list
}

// hmacSegments signs a text of two segments as it stands.
func hmacSegments(hash crypto.Hash, key []byte, text string) string {
	h := hmac.New(hash.New, key)
	h.Write([]byte(text))
	return text + "." + b64(string(h.Sum(nil)))
}

// attackerTokens are tokens with good signatures by keys of the attacker's.
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

// revokedTokens are tokens with a good signature that are not good all the same.
func revokedTokens(ts *testServer, s testSession) map[string]string {
	keys := ts.options.Access.Keys
	deletedID, disabledID := ts.createAccount("gone", admin), ts.createAccount("off", admin)
	deletedSession, disabledSession, loggedOut := ts.createSession(deletedID), ts.createSession(disabledID), ts.createSession(s.accountID)
	deletedToken, disabledToken, token := ts.createAPIToken(deletedID, admin), ts.createAPIToken(disabledID, admin), ts.createAPIToken(s.accountID, admin)
	ts.exec("DELETE FROM account WHERE id = $1", deletedID)
	ts.exec("UPDATE account SET disabled = true WHERE id = $1", disabledID)
	ts.exec("UPDATE session SET revoked_at = NULL") // even if nobody ended what they had
	ts.exec("UPDATE api_token SET revoked_at = NULL")
	ts.exec("UPDATE session SET expires_at = now() WHERE id = $1", loggedOut.id)
	hash, _ := auth.HashAPIToken(token)
	list := map[string]string{
		"expired": keys.SignAccessToken(s.accountID, s.id, time.Now().Add(-auth.AccessTokenTTL)), "not yet valid": keys.SignAccessToken(s.accountID, s.id, time.Now().Add(2*time.Minute)),
		"a session of somebody else": keys.SignAccessToken(s.accountID+1000, s.id, time.Now()), "no such session": keys.SignAccessToken(s.accountID, uuid.New(), time.Now()), "no session": keys.SignAccessToken(s.accountID, uuid.Nil, time.Now()),
		"a refresh token": s.refresh, "a deleted account": deletedSession.access, "a disabled account": disabledSession.access, "a session that is over": loggedOut.access,
		"a deleted account's API token": deletedToken, "a disabled account's API token": disabledToken,
		"an API token cut short": token[:len(token)-1], "the prefix of an API token": token[:12], "an API token and more": token + "A", "an API token in capitals": strings.ToUpper(token),
		"the hash of an API token": fmt.Sprintf("llk_%x", hash), "the hash of an API token, encoded": "llk_" + b64(string(hash)), "an API token without its mark": token[4:], "marked otherwise": "llr_" + token[4:],
	}
	if !ts.accepts(token) || !ts.accepts(s.access) {
		ts.Error("the tokens that these are made of should be good")
	}
	return list
}

// TestForgedTokens: none of these gets in, all are told the same, and nothing of them is logged.
func TestForgedTokens(t *testing.T) {
	log := &syncBuffer{}
	ts := newTestServer(t, func(o *Options) {
		o.Log = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	s := ts.createSession(ts.createAccount("root", admin))
	tokens := forgedTokens(t, ts, s)
	maps.Copy(tokens, revokedTokens(ts, s))
	base := ts.listen()
	one := "Authorization: Bearer " + s.access
	requests := map[string]storyRequest{
		"no token at all": {"GET", "/sites", nil, ""}, "an empty header": {"GET", "/sites", []string{"Authorization:"}, ""}, "the word alone": {"GET", "/sites", []string{"Authorization: Bearer"}, ""},
		"two headers": {"GET", "/sites", []string{one, one}, ""}, "a bad header, then a good one": {"GET", "/sites", []string{"Authorization: Bearer x", one}, ""}, "a good header, then a bad one": {"GET", "/sites", []string{one, "authorization: Basic eDp4"}, ""},
		"no word": {"GET", "/sites", []string{"Authorization: " + s.access}, ""}, "Basic": {"GET", "/sites", []string{"Authorization: Basic " + s.access}, ""}, "Basic with a name": {"GET", "/sites", []string{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("root:"+testPassword))}, ""},
		"JWT": {"GET", "/sites", []string{"Authorization: JWT " + s.access}, ""}, "a tab": {"GET", "/sites", []string{"Authorization: Bearer\t" + s.access}, ""}, "a colon": {"GET", "/sites", []string{"Authorization: Bearer: " + s.access}, ""},
		"in the query string": {"GET", "/sites?access_token=" + s.access, nil, ""}, "in the query string, as a header": {"GET", "/sites?Authorization=Bearer%20" + s.access, nil, ""},
		"in the body": {"POST", "/todo", []string{"Content-Type: application/json"}, `{"description": "x", "status": "open", "access_token": "` + s.access + `"}`},
		"in a form":   {"POST", "/todo", []string{"Content-Type: application/x-www-form-urlencoded"}, "access_token=" + s.access},
		"in a cookie": {"GET", "/sites", []string{"Cookie: access_token=" + s.access + "; Authorization=Bearer%20" + s.access}, ""}, "for a proxy": {"GET", "/sites", []string{"Proxy-Authorization: Bearer " + s.access}, ""},
		"in other headers": {"GET", "/sites", []string{"X-Authorization: Bearer " + s.access, "X-Api-Key: " + s.access, "X-Original-Authorization: Bearer " + s.access}, ""},
		"with a role":      {"PATCH", "/site/1", []string{"X-Role: admin", "X-Forwarded-User: root", "X-Remote-User: root"}, `{"name": "x"}`},
	}
	for name, token := range tokens {
		requests[name] = storyRequest{"GET", "/sites", []string{"Authorization: Bearer " + token}, ""}
		requests[name+", as a cookie"] = storyRequest{"GET", "/sites", []string{"Cookie: " + accessCookie + "=" + token}, ""}
	}
	details := ""
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		r := requests[name]
		resp, err := r.send(base)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if details == "" {
			details = withoutRequestFields(resp.body)
		}
		if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") != `Bearer realm="labledger"` || withoutRequestFields(resp.body) != details {
			t.Errorf("%s:\n%s\n%s", name, r, resp)
		}
		for _, reason := range resp.violations(r) {
			t.Errorf("%s: %s\n%s", name, reason, resp)
		}
	}
	// What a refresh takes is refused in words of its own.
	details = ""
	for name, token := range map[string]string{"an access token": s.access, "an API token": ts.createAPIToken(s.accountID, admin), "garbage": "llr_x", "cut short": s.refresh[:len(s.refresh)-1], "longer": s.refresh + "A",
		"a later one": ts.options.Access.Keys.SignRefreshToken(auth.RefreshClaims{Session: uuid.New(), Generation: 1})} {
		w := ts.send("", "POST", "/auth/refresh", `{"refresh_token": "`+token+`"}`)
		if details == "" {
			details = withoutRequestFields(w.Body.String())
		}
		if w.Code != http.StatusUnauthorized || withoutRequestFields(w.Body.String()) != details {
			t.Errorf("%s instead of a refresh token: %d %s", name, w.Code, w.Body)
		}
		tokens["refresh with "+name] = token
	}
	for _, header := range []string{one, "authorization: bearer " + s.access, "AUTHORIZATION: BEARER " + s.access, "Authorization:   Bearer " + s.access + "  "} { // HTTP has no spaces around values
		if resp, err := (storyRequest{"GET", "/sites", []string{header}, ""}).send(base); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%.30s: %v %v", header, resp, err)
		}
	}

	lines := log.text()
	if n := strings.Count(lines, `"msg":"request"`); n < len(requests) {
		t.Errorf("only %d lines in the log", n)
	}
	tokens["the good one"], tokens["its refresh token"], tokens["the secret"], tokens["the password"] = s.access, s.refresh, ts.secret, testPassword
	for name, token := range tokens {
		for _, part := range strings.FieldsFunc(token, func(r rune) bool { return r == '.' || r == ' ' }) {
			if len(part) > 20 && (strings.Contains(lines, part) || strings.Contains(lines, part[:20])) && !strings.HasPrefix(part, "AAAAAAAA") {
				t.Errorf("the log holds some of %s: %s", name, part)
			}
		}
	}
}

// TestMassAssignment: nobody sets what is not theirs to set by naming it.
func TestMassAssignment(t *testing.T) {
	ts := newTestServer(t)
	me := ts.createSession(ts.createAccount("me", viewer)).access
	id := scan[int64](ts, "INSERT INTO todo (description, status, owner) VALUES ('Mine', 'open', 'me') RETURNING id")
	todo := fmt.Sprint("/todo/", id)
	calls := []struct{ method, target, body string }{
		{"POST", "/auth/register", `{"username": "new", "password": "a new horse for the battery"}`},
		{"POST", "/auth/login", `{"username": "me", "password": "` + testPassword + `"}`},
		{"PATCH", "/account", `{"country": "Iceland"}`}, {"PUT", "/account", `{"country": "Iceland"}`},
		{"POST", "/api/v1/tokens", `{"name": "script"}`},
		{"POST", "/todo", `{"description": "x", "status": "open"}`}, {"PUT", todo, `{"description": "x", "status": "open"}`}, {"PATCH", todo, `{"status": "done"}`}, {"UPDATE", todo, `{"description": "x", "status": "open"}`},
	}
	members := map[string]any{
		"role": "admin", "id": 1 << 40, "password_hash": cachedHash(testPassword), "created_at": "2020-01-01T00:00:00Z", "disabled": true, "risk": "high", "version": 99, "owner": "Bob", "actor": "Bob", "account_id": 1,
		"hash": "x", "prefix": "llk_", "token": "llk_", "expires_at": "2099-01-01T00:00:00Z", "revoked_at": nil, "generation": 7, "session_id": sampleSession, "xmin": 1, "__proto__": object{"role": "admin"},
		"given": []string{"role"}, "caller_id": 1, "caller_role": "admin", "caller_session": sampleSession, "Role": "admin", "ROLE": "admin", "roles": []string{"admin"}, "is_admin": true, "address": "x", "subject": "x",
	}
	before := ts.tableDigest()
	for _, c := range calls {
		for _, name := range slices.Sorted(maps.Keys(members)) {
			var body object
			if err := json.Unmarshal([]byte(c.body), &body); err != nil {
				t.Fatal(err)
			}
			body[name] = members[name]
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			want := http.StatusBadRequest
			if name == "version" && c.method != "POST" { // theirs to say, and wrong
				want = http.StatusPreconditionFailed
			}
			if w := ts.send(me, c.method, c.target, string(text)); w.Code != want {
				t.Errorf("%s %s with %s: %d %s", c.method, c.target, name, w.Code, w.Body)
			}
		}
		if ts.tableDigest() != before {
			t.Fatalf("%s %s has changed something", c.method, c.target)
		}
	}
	for _, c := range calls { // and well without
		ts.mustSend(me, c.method, c.target+"?dry_run=true", c.body)
	}
}
