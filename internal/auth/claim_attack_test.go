package auth

import (
	"fmt"
	"strings"
	"testing"
)

// claimAttacks adds tokens with payloads that the server never signs, each with a valid signature.
func claimAttacks(t testing.TB, k *Keys, tokens map[string]string) {
	valid := validClaims()
	add := func(name, payload string) {
		if payload == valid {
			t.Fatalf("%s does not change the payload", name)
		}
		tokens["claims signed: "+name] = signToken(k, validHeader, payload)
	}
	memberAttacks(valid, add)
	numberAttacks(valid, add)
	timeAttacks(valid, add)
	textAttacks(valid, add)
}

// memberAttacks adds payloads in which a member is missing, repeated, moved, renamed or has another value.
func memberAttacks(valid string, add func(name, payload string)) {
	members := strings.Split(strings.Trim(valid, "{}"), ",")
	for i, m := range members {
		name := m[1:4]
		others := append(append([]string{}, members[:i]...), members[i+1:]...)
		rest := strings.Join(others, ",")
		add(name+" missing", "{"+rest+"}")
		add(name+" twice", "{"+m+","+strings.Join(members, ",")+"}")
		add(name+" repeated at the end", "{"+strings.Join(members, ",")+","+m+"}")
		moved := m + "," + rest
		if i == 0 {
			moved = rest + "," + m
		}
		add(name+" at another position", "{"+moved+"}")
		add(name+" in upper case", strings.Replace(valid, `"`+name+`"`, `"`+strings.ToUpper(name)+`"`, 1))
		add(name+" also in upper case", strings.Replace(valid, m, m+`,"`+strings.ToUpper(name)+m[4:], 1))
		add(name+" escaped", strings.Replace(valid, `"`+name+`"`, fmt.Sprintf(`"\u%04x%s"`, name[0], name[1:]), 1))
		for _, value := range []string{`null`, `true`, `false`, `""`, `[]`, `{}`, `0`, `-0`, `-1`, `1`, `"1"`, `"a"`,
			`1.5`, `1e3`, `1E400`, `9223372036854775807`,
			`9223372036854775808`, `-9223372036854775808`, `99999999999999999999999`, `"\u0000"`, "\"\xff\"", `NaN`,
			`[` + m[6:] + `]`, `{"a":` + m[6:] + `}`} {
			// Any non-empty string is a valid jti.
			allowed := name == "jti" && (value == `"1"` || value == `"a"` || value == `"\u0000"`) ||
				name == "sub" && value == `"1"`
			if !allowed {
				add(name+" as "+value, strings.Replace(valid, m, m[:6]+value, 1))
			}
		}
	}
}

// numberAttacks adds payloads with the same times in other forms.
func numberAttacks(valid string, add func(name, payload string)) {
	for _, name := range []string{"iat", "exp"} {
		n := now.Unix()
		if name == "exp" {
			n += 900
		}
		member := fmt.Sprintf(`"%s":%d`, name, n)
		for _, text := range []string{fmt.Sprintf(`"%d"`, n), fmt.Sprintf("%d.0", n), fmt.Sprintf("%d.5", n),
			fmt.Sprintf("%de0", n), fmt.Sprintf("%d000", n),
			fmt.Sprintf("-%d", n), fmt.Sprintf("+%d", n), fmt.Sprintf("0%d", n), fmt.Sprintf("[%d]", n),
			fmt.Sprintf("%g", float64(n))} {
			add(name+" as "+text, strings.Replace(valid, member, member[:6]+text, 1))
		}
	}
}

// timeAttacks adds payloads with other times.
func timeAttacks(valid string, add func(name, payload string)) {
	issuedAt := now.Unix()
	times := func(name string, iat, exp int64) {
		add(name, strings.NewReplacer(
			fmt.Sprintf(`"iat":%d`, issuedAt), fmt.Sprintf(`"iat":%d`, issuedAt+iat),
			fmt.Sprintf(`"exp":%d`, issuedAt+900), fmt.Sprintf(`"exp":%d`, issuedAt+exp),
		).Replace(valid))
	}
	times("expired now", -900, 0)
	times("expired long ago", -9000, -8100)
	times("issued in the future", 31, 931)
	times("a second too long", 0, 901)
	times("a second too short", 0, 899)
	times("exp 1e9 seconds late", 0, 1_000_000_000)
	times("exp before iat", 20, 10)
	add("nbf before iat", strings.Replace(valid, `"iat"`, fmt.Sprintf(`"nbf":%d,"iat"`, issuedAt-1), 1))
	add("nbf in the future", strings.Replace(valid, `"iat"`, fmt.Sprintf(`"nbf":%d,"iat"`, issuedAt+31), 1))
}

// textAttacks adds payloads with other texts and other JSON around them.
func textAttacks(valid string, add func(name, payload string)) {
	for _, change := range [][3]string{
		{"foreign iss", `"iss":"labledger"`, `"iss":"example"`},
		{"iss with a capital", `"iss":"labledger"`, `"iss":"Labledger"`},
		{"iss with a slash", `"iss":"labledger"`, `"iss":"labledger/"`},
		{"foreign aud", `"aud":["labledger"]`, `"aud":["example"]`},
		{"aud as a string", `"aud":["labledger"]`, `"aud":"labledger"`},
		{"aud with two values", `"aud":["labledger"]`, `"aud":["labledger","x"]`},
		{"aud with a space", `"aud":["labledger"]`, `"aud":["labledger "]`},
		{"aud escaped", `"aud":["labledger"]`, `"aud":["l\u0061bledger"]`},
		{"sub with zeros", `"sub":"7"`, `"sub":"07"`}, {"sub with a plus", `"sub":"7"`, `"sub":"+7"`},
		{"sub negative", `"sub":"7"`, `"sub":"-7"`}, {"sub minus zero", `"sub":"7"`, `"sub":"-0"`},
		{"sub as a number", `"sub":"7"`, `"sub":7`}, {"sub in hex", `"sub":"7"`, `"sub":"0x7"`},
		{"sub with a space", `"sub":"7"`, `"sub":" 7"`}, {"sub too large", `"sub":"7"`, `"sub":"9223372036854775808"`},
		{"sub with a fraction", `"sub":"7"`, `"sub":"7.0"`}, {"sub in Arabic digits", `"sub":"7"`, `"sub":"٧"`},
		{"sub with _", `"sub":"7"`, `"sub":"7_0"`}, {"sub as a name", `"sub":"7"`, `"sub":"admin"`},
		{"sid in upper case", session.String(), strings.ToUpper(session.String())},
		{"sid in braces", session.String(), "{" + session.String() + "}"},
		{"sid as a URN", session.String(), "urn:uuid:" + session.String()},
		{"sid without hyphens", session.String(), strings.ReplaceAll(session.String(), "-", "")},
		{"sid shorter", session.String(), session.String()[:35]},
		{"sid longer", session.String(), session.String() + "0"},
		{"extra member role", `"jti"`, `"role":"admin","jti"`},
		{"extra member with an empty name", `"jti"`, `"":1,"jti"`}, {"extra member null", `"jti"`, `"x":null,"jti"`},
		{"extra member at the end", `Z"}`, `Z","role":"admin"}`},
		{"space after commas", `,`, `, `}, {"space before", `{`, ` {`}, {"newline after", `}`, "}\n"},
		{"second object after", `}`, `}{}`}, {"extra brace", `}`, `}}`}, {"NUL after", `}`, "}\x00"},
		{"BOM before", `{`, "\ufeff{"},
		{"missing closing brace", `}`, ``}, {"missing opening brace", `{`, ``}, {"trailing comma", `}`, `,}`},
		{"a comment", `,`, `,/**/`}, {"in an array", valid, "[" + valid + "]"},
		{"as a string", valid, fmt.Sprintf("%q", valid)},
		{"null", valid, `null`}, {"empty object", valid, `{}`}, {"nothing", valid, ``}, {"a number", valid, `1`},
		{"deeply nested", valid, strings.Repeat("[", 300)},
	} {
		add(change[0], strings.Replace(valid, change[1], change[2], 1))
	}
}
