package auth

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// encodingAttacks are good tokens, or parts of them, written in other ways.
func encodingAttacks(_ testing.TB, k *Keys, tokens map[string]string) {
	good := signToken(k, validHeader, validClaims())
	parts := strings.Split(good, ".")
	header, body, sum := parts[0], parts[1], parts[2]
	of := func(header, body string) string { return signInput(crypto.SHA256, k.access(), header+"."+body) }
	tokens["signature stripped"] = header + "." + body + "."
	tokens["signature and its point stripped"] = header + "." + body
	for _, n := range []int{1, 4, 22, 42} {
		tokens[fmt.Sprintf("signature cut to %d characters", n)] = header + "." + body + "." + sum[:n]
	}
	tokens["signature of zeros"] = header + "." + body + "." + encode(make([]byte, 32))
	tokens["signature longer"] = good + "AA"
	tokens["trailing bits in the signature"] = good[:len(good)-1] + nextLetter(good[len(good)-1])
	tokens["trailing bits in the payload, signed"] = of(header, withTrailingBits(validClaims()))
	for name, mark := range map[string]string{"padding": "=", "a newline": "\n", "CR LF": "\r\n", "a space": " ", "a NUL": "\x00", "a point": ".", "a comma": ","} {
		tokens[name+" after"] = good + mark
		tokens[name+" before"] = mark + good
		tokens[name+" within the signature"] = header + "." + body + "." + sum[:9] + mark + sum[9:]
		tokens[name+" within the payload, signed"] = of(header, body[:8]+mark+body[8:])
		tokens[name+" after the payload, signed"] = of(header, body+mark)
		tokens[name+" within the header, signed"] = of(header[:8]+mark+header[8:], body)
		tokens[name+" after the header, signed"] = of(header+mark, body)
	}
	raw, _ := decode(sum)
	tokens["padded signature"] = header + "." + body + "." + base64.URLEncoding.EncodeToString(raw)
	for i := 0; ; i++ { // until there are both letters that the alphabets do not share
		claims := strings.Replace(validClaims(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", fmt.Sprintf("%d??>?~~>", i), 1)
		standard := base64.RawStdEncoding.EncodeToString([]byte(claims))
		token := of(header, encode([]byte(claims)))
		sum := strings.NewReplacer("-", "+", "_", "/").Replace(token[strings.LastIndex(token, ".")+1:])
		if strings.ContainsAny(standard, "+/") && strings.ContainsAny(sum, "+") && strings.ContainsAny(sum, "/") {
			tokens["standard alphabet in the payload, signed"] = of(header, standard)
			tokens["standard alphabet in the signature"] = token[:strings.LastIndex(token, ".")+1] + sum
			break
		}
	}
	tokens["upper case"], tokens["lower case"] = strings.ToUpper(good), strings.ToLower(good)
	tokens["Bearer before"] = "Bearer " + good
	tokens["twice"], tokens["twice with a point"], tokens["twice with a comma"] = good+good, good+"."+good, good+","+good
	tokens["empty"], tokens["points"], tokens["many points"] = "", "..", strings.Repeat(".", 8<<10)
	tokens["header only"], tokens["payload only"], tokens["signature only"] = header, "."+body+".", ".."+sum
	tokens["empty payload, signed"] = of(header, "")
	tokens["8 KiB of A"] = strings.Repeat("A", 8<<10)
	tokens["8 KiB of signature"] = header + "." + body + "." + strings.Repeat("A", 8<<10)
	tokens["8 KiB of jti, signed"] = signToken(k, validHeader, strings.Replace(validClaims(), "ABCDEFG", strings.Repeat("A", 8<<10), 1))
	tokens["JWE"] = encode([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + ".." + encode(make([]byte, 12)) + "." + body + "." + encode(make([]byte, 16))
	tokens["JWE with our header"] = header + ".." + encode(make([]byte, 12)) + "." + body + "." + sum
	tokens["JSON"] = `{"payload":"` + body + `","protected":"` + header + `","signature":"` + sum + `"}`
	tokens["JSON, general"] = `{"payload":"` + body + `","signatures":[{"protected":"` + header + `","signature":"` + sum + `"}]}`
	api, _, _ := NewAPIToken()
	tokens["refresh token"], tokens["API token"] = k.SignRefreshToken(RefreshClaims{session, 1}), api
	tokens["refresh token as the signature"] = header + "." + body + "." + k.SignRefreshToken(RefreshClaims{session, 1})[4:]
}

// nextLetter returns the letter that follows in the alphabet, of which a lax decoder drops the last bits.
func nextLetter(c byte) string {
	return tokenAlphabet[strings.IndexByte(tokenAlphabet, c)+1:][:1]
}

// withTrailingBits spells a payload with bits after its end that mean nothing. The payload is made longer until there is room for such bits.
func withTrailingBits(payload string) string {
	for len(payload)%3 != 2 {
		payload = strings.Replace(payload, "XYZ", "XYZZ", 1)
	}
	text := encode([]byte(payload))
	return text[:len(text)-1] + nextLetter(text[len(text)-1])
}
