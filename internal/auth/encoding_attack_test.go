package auth

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// encodingAttacks adds valid tokens, or parts of them, in other encodings.
func encodingAttacks(_ testing.TB, k *Keys, tokens map[string]string) {
	valid := signToken(k, validHeader, validClaims())
	parts := strings.Split(valid, ".")
	header, body, sum := parts[0], parts[1], parts[2]
	sign := func(header, body string) string { return signInput(crypto.SHA256, k.access(), header+"."+body) }
	tokens["signature stripped"] = header + "." + body + "."
	tokens["signature and its dot stripped"] = header + "." + body
	for _, n := range []int{1, 4, 22, 42} {
		tokens[fmt.Sprintf("signature truncated to %d characters", n)] = header + "." + body + "." + sum[:n]
	}
	tokens["signature of zeros"] = header + "." + body + "." + encode(make([]byte, 32))
	tokens["signature longer"] = valid + "AA"
	tokens["trailing bits in the signature"] = valid[:len(valid)-1] + nextLetter(valid[len(valid)-1])
	tokens["trailing bits in the payload, signed"] = sign(header, withTrailingBits(validClaims()))
	for name, extra := range map[string]string{"padding": "=", "a newline": "\n", "CR LF": "\r\n", "a space": " ",
		"a NUL": "\x00", "a dot": ".", "a comma": ","} {
		tokens[name+" after"] = valid + extra
		tokens[name+" before"] = extra + valid
		tokens[name+" inside the signature"] = header + "." + body + "." + sum[:9] + extra + sum[9:]
		tokens[name+" inside the payload, signed"] = sign(header, body[:8]+extra+body[8:])
		tokens[name+" after the payload, signed"] = sign(header, body+extra)
		tokens[name+" inside the header, signed"] = sign(header[:8]+extra+header[8:], body)
		tokens[name+" after the header, signed"] = sign(header+extra, body)
	}
	raw, _ := decode(sum)
	tokens["padded signature"] = header + "." + body + "." + base64.URLEncoding.EncodeToString(raw)
	for i := 0; ; i++ { // until both characters occur that differ between the two alphabets
		claims := strings.Replace(validClaims(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", fmt.Sprintf("%d??>?~~>", i), 1)
		standard := base64.RawStdEncoding.EncodeToString([]byte(claims))
		token := sign(header, encode([]byte(claims)))
		sum := strings.NewReplacer("-", "+", "_", "/").Replace(token[strings.LastIndex(token, ".")+1:])
		if strings.ContainsAny(standard, "+/") && strings.ContainsAny(sum, "+") && strings.ContainsAny(sum, "/") {
			tokens["standard alphabet in the payload, signed"] = sign(header, standard)
			tokens["standard alphabet in the signature"] = token[:strings.LastIndex(token, ".")+1] + sum
			break
		}
	}
	framingAttacks(k, valid, tokens)
}

// framingAttacks adds a valid token with other text around it, and parts of it.
func framingAttacks(k *Keys, valid string, tokens map[string]string) {
	parts := strings.Split(valid, ".")
	header, body, sum := parts[0], parts[1], parts[2]
	tokens["upper case"], tokens["lower case"] = strings.ToUpper(valid), strings.ToLower(valid)
	tokens["Bearer before"] = "Bearer " + valid
	tokens["twice"] = valid + valid
	tokens["twice with a dot"] = valid + "." + valid
	tokens["twice with a comma"] = valid + "," + valid
	tokens["empty"] = ""
	tokens["dots"] = ".."
	tokens["many dots"] = strings.Repeat(".", 8<<10)
	tokens["header only"] = header
	tokens["payload only"] = "." + body + "."
	tokens["signature only"] = ".." + sum
	tokens["empty payload, signed"] = signInput(crypto.SHA256, k.access(), header+".")
	tokens["8 KiB of A"] = strings.Repeat("A", 8<<10)
	tokens["8 KiB of signature"] = header + "." + body + "." + strings.Repeat("A", 8<<10)
	tokens["8 KiB of jti, signed"] = signToken(k, validHeader,
		strings.Replace(validClaims(), "ABCDEFG", strings.Repeat("A", 8<<10), 1))
	tokens["JWE"] = encode([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + ".." + encode(make([]byte, 12)) + "." + body +
		"." + encode(make([]byte, 16))
	tokens["JWE with the valid header"] = header + ".." + encode(make([]byte, 12)) + "." + body + "." + sum
	tokens["JSON"] = `{"payload":"` + body + `","protected":"` + header + `","signature":"` + sum + `"}`
	tokens["JSON, general"] = `{"payload":"` + body + `","signatures":[{"protected":"` + header + `","signature":"` +
		sum + `"}]}`
	apiToken, _, _ := NewAPIToken()
	tokens["refresh token"] = k.SignRefreshToken(RefreshClaims{session, 1})
	tokens["API token"] = apiToken
	tokens["refresh token as the signature"] = header + "." + body + "." +
		k.SignRefreshToken(RefreshClaims{session, 1})[4:]
}

// nextLetter returns the letter after c in the base64url alphabet. The two differ only in their last bits, which a
// lenient decoder drops at the end of a text.
func nextLetter(c byte) string {
	return tokenAlphabet[strings.IndexByte(tokenAlphabet, c)+1:][:1]
}

// withTrailingBits encodes a payload with unused bits set after its end. It lengthens the payload until there are
// unused bits.
func withTrailingBits(payload string) string {
	for len(payload)%3 != 2 {
		payload = strings.Replace(payload, "XYZ", "XYZZ", 1)
	}
	encoded := encode([]byte(payload))
	return encoded[:len(encoded)-1] + nextLetter(encoded[len(encoded)-1])
}
