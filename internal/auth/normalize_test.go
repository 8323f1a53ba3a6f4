package auth

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// spellingAttacks are good tokens, or parts of them, written in other ways.
func spellingAttacks(_ testing.TB, k *Keys, list map[string]string) {
	good := signed(k, goodHeader, goodClaims())
	parts := strings.Split(good, ".")
	header, body, sum := parts[0], parts[1], parts[2]
	of := func(header, body string) string { return seal(crypto.SHA256, k.access(), header+"."+body) }
	list["signature stripped"] = header + "." + body + "."
	list["signature and its point stripped"] = header + "." + body
	for _, n := range []int{1, 4, 22, 42} {
		list[fmt.Sprintf("signature cut to %d characters", n)] = header + "." + body + "." + sum[:n]
	}
	list["signature of zeros"] = header + "." + body + "." + encode(make([]byte, 32))
	list["signature longer"] = good + "AA"
	list["trailing bits in the signature"] = good[:len(good)-1] + next(good[len(good)-1])
	list["trailing bits in the payload, signed"] = of(header, loose(goodClaims()))
	for name, mark := range map[string]string{"padding": "=", "a newline": "\n", "CR LF": "\r\n", "a space": " ", "a NUL": "\x00", "a point": ".", "a comma": ","} {
		list[name+" after"] = good + mark
		list[name+" before"] = mark + good
		list[name+" within the signature"] = header + "." + body + "." + sum[:9] + mark + sum[9:]
		list[name+" within the payload, signed"] = of(header, body[:8]+mark+body[8:])
		list[name+" after the payload, signed"] = of(header, body+mark)
		list[name+" within the header, signed"] = of(header[:8]+mark+header[8:], body)
		list[name+" after the header, signed"] = of(header+mark, body)
	}
	raw, _ := decode(sum)
	list["padded signature"] = header + "." + body + "." + base64.URLEncoding.EncodeToString(raw)
	for i := 0; ; i++ { // until there are both letters that the alphabets do not share
		claims := strings.Replace(goodClaims(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", fmt.Sprintf("%d??>?~~>", i), 1)
		standard := base64.RawStdEncoding.EncodeToString([]byte(claims))
		token := of(header, encode([]byte(claims)))
		sum := strings.NewReplacer("-", "+", "_", "/").Replace(token[strings.LastIndex(token, ".")+1:])
		if strings.ContainsAny(standard, "+/") && strings.ContainsAny(sum, "+") && strings.ContainsAny(sum, "/") {
			list["standard alphabet in the payload, signed"] = of(header, standard)
			list["standard alphabet in the signature"] = token[:strings.LastIndex(token, ".")+1] + sum
			break
		}
	}
	list["upper case"], list["lower case"] = strings.ToUpper(good), strings.ToLower(good)
	list["Bearer before"] = "Bearer " + good
	list["twice"], list["twice with a point"], list["twice with a comma"] = good+good, good+"."+good, good+","+good
	list["empty"], list["points"], list["many points"] = "", "..", strings.Repeat(".", 8<<10)
	list["header only"], list["payload only"], list["signature only"] = header, "."+body+".", ".."+sum
	list["empty payload, signed"] = of(header, "")
	list["8 KiB of A"] = strings.Repeat("A", 8<<10)
	list["8 KiB of signature"] = header + "." + body + "." + strings.Repeat("A", 8<<10)
	list["8 KiB of jti, signed"] = signed(k, goodHeader, strings.Replace(goodClaims(), "ABCDEFG", strings.Repeat("A", 8<<10), 1))
	list["JWE"] = encode([]byte(`{"alg":"dir","enc":"A256GCM"}`)) + ".." + encode(make([]byte, 12)) + "." + body + "." + encode(make([]byte, 16))
	list["JWE with our header"] = header + ".." + encode(make([]byte, 12)) + "." + body + "." + sum
	list["JSON"] = `{"payload":"` + body + `","protected":"` + header + `","signature":"` + sum + `"}`
	list["JSON, general"] = `{"payload":"` + body + `","signatures":[{"protected":"` + header + `","signature":"` + sum + `"}]}`
	api, _, _ := NewAPIToken()
	list["refresh token"], list["API token"] = k.SignRefreshToken(RefreshClaims{session, 1}), api
	list["refresh token as the signature"] = header + "." + body + "." + k.SignRefreshToken(RefreshClaims{session, 1})[4:]
}

// next returns the letter that follows in the alphabet, of which a lax decoder drops the last bits.
func next(c byte) string {
	return letters[strings.IndexByte(letters, c)+1:][:1]
}

// loose spells a payload with bits after its end that mean nothing. The payload is made longer until there is room for such bits.
func loose(payload string) string {
	for len(payload)%3 != 2 {
		payload = strings.Replace(payload, "XYZ", "XYZZ", 1)
	}
	text := encode([]byte(payload))
	return text[:len(text)-1] + next(text[len(text)-1])
}
