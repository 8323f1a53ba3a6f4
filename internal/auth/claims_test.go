package auth

import (
	"fmt"
	"strings"
	"testing"
)

// claimAttacks are payloads that we never write, all signed with the right key.
func claimAttacks(t testing.TB, k *Keys, tokens map[string]string) {
	good := validClaims()
	add := func(name, payload string) {
		if payload == good {
			t.Fatalf("%s changes nothing", name)
		}
		tokens["claims signed: "+name] = signToken(k, validHeader, payload)
	}
	at := now.Unix()
	members := strings.Split(strings.Trim(good, "{}"), ",")
	for i, m := range members {
		name := m[1:4]
		others := append(append([]string{}, members[:i]...), members[i+1:]...)
		rest := strings.Join(others, ",")
		add(name+" left out", "{"+rest+"}")
		add(name+" twice", "{"+m+","+strings.Join(members, ",")+"}")
		add(name+" twice, then the same", "{"+strings.Join(members, ",")+","+m+"}")
		moved := m + "," + rest
		if i == 0 {
			moved = rest + "," + m
		}
		add(name+" in another place", "{"+moved+"}")
		add(name+" in upper case", strings.Replace(good, `"`+name+`"`, `"`+strings.ToUpper(name)+`"`, 1))
		add(name+" also in upper case", strings.Replace(good, m, m+`,"`+strings.ToUpper(name)+m[4:], 1))
		add(name+" escaped", strings.Replace(good, `"`+name+`"`, fmt.Sprintf(`"\u%04x%s"`, name[0], name[1:]), 1))
		for _, value := range []string{`null`, `true`, `false`, `""`, `[]`, `{}`, `0`, `-0`, `-1`, `1`, `"1"`, `"a"`, `1.5`, `1e3`, `1E400`, `9223372036854775807`,
			`9223372036854775808`, `-9223372036854775808`, `99999999999999999999999`, `"\u0000"`, "\"\xff\"", `NaN`, `[` + m[6:] + `]`, `{"a":` + m[6:] + `}`} {
			free := name == "jti" && (value == `"1"` || value == `"a"` || value == `"\u0000"`) // any text is good there
			free = free || name == "nbf" && (value == `0` || value == `-1` || value == `1` || value == `-9223372036854775808`)
			if !free && !(name == "sub" && value == `"1"`) {
				add(name+" as "+value, strings.Replace(good, m, m[:6]+value, 1))
			}
		}
	}
	for _, name := range []string{"iat", "nbf", "exp"} {
		n := at
		if name == "exp" {
			n += 900
		}
		old := fmt.Sprintf(`"%s":%d`, name, n)
		for _, text := range []string{fmt.Sprintf(`"%d"`, n), fmt.Sprintf("%d.0", n), fmt.Sprintf("%d.5", n), fmt.Sprintf("%de0", n), fmt.Sprintf("%d000", n),
			fmt.Sprintf("-%d", n), fmt.Sprintf("+%d", n), fmt.Sprintf("0%d", n), fmt.Sprintf("[%d]", n), fmt.Sprintf("%g", float64(n))} {
			if name != "nbf" || !strings.HasPrefix(text, "-") {
				add(name+" as "+text, strings.Replace(good, old, old[:6]+text, 1))
			}
		}
	}
	times := func(name string, iat, nbf, exp int64) {
		text := strings.NewReplacer(`"iat":`+fmt.Sprint(at), `"iat":`+fmt.Sprint(at+iat), `"nbf":`+fmt.Sprint(at), `"nbf":`+fmt.Sprint(at+nbf),
			`"exp":`+fmt.Sprint(at+900), `"exp":`+fmt.Sprint(at+exp)).Replace(good)
		add(name, text)
	}
	times("expired now", -900, -900, 0)
	times("expired long ago", -9000, -9000, -8100)
	times("made later", 31, 31, 931)
	times("good later", 0, 31, 900)
	times("made later, good now", 31, 0, 931)
	times("a second too long", 0, 0, 901)
	times("a second too short", 0, 0, 899)
	times("exp 1e9 off", 0, 0, 1_000_000_000)
	times("exp before iat", 20, 0, 10)
	for _, change := range [][3]string{
		{"iss of another", `"iss":"labledger"`, `"iss":"example"`}, {"iss in capitals", `"iss":"labledger"`, `"iss":"Labledger"`}, {"iss with a slash", `"iss":"labledger"`, `"iss":"labledger/"`},
		{"aud of another", `"aud":"labledger"`, `"aud":"example"`}, {"aud as a list", `"aud":"labledger"`, `"aud":["labledger"]`}, {"aud as two", `"aud":"labledger"`, `"aud":["labledger","x"]`},
		{"aud with a space", `"aud":"labledger"`, `"aud":"labledger "`}, {"aud escaped", `"aud":"labledger"`, `"aud":"l\u0061bledger"`},
		{"sub with zeros", `"sub":"7"`, `"sub":"07"`}, {"sub with a plus", `"sub":"7"`, `"sub":"+7"`}, {"sub negative", `"sub":"7"`, `"sub":"-7"`}, {"sub minus nought", `"sub":"7"`, `"sub":"-0"`},
		{"sub as a number", `"sub":"7"`, `"sub":7`}, {"sub in hex", `"sub":"7"`, `"sub":"0x7"`}, {"sub with a space", `"sub":"7"`, `"sub":" 7"`}, {"sub too large", `"sub":"7"`, `"sub":"9223372036854775808"`},
		{"sub with a fraction", `"sub":"7"`, `"sub":"7.0"`}, {"sub in other digits", `"sub":"7"`, `"sub":"٧"`}, {"sub with _", `"sub":"7"`, `"sub":"7_0"`}, {"sub a name", `"sub":"7"`, `"sub":"admin"`},
		{"sid in capitals", session.String(), strings.ToUpper(session.String())}, {"sid in braces", session.String(), "{" + session.String() + "}"}, {"sid as a URN", session.String(), "urn:uuid:" + session.String()},
		{"sid without hyphens", session.String(), strings.ReplaceAll(session.String(), "-", "")}, {"sid shorter", session.String(), session.String()[:35]}, {"sid longer", session.String(), session.String() + "0"},
		{"extra role", `"jti"`, `"role":"admin","jti"`}, {"extra empty name", `"jti"`, `"":1,"jti"`}, {"extra null", `"jti"`, `"x":null,"jti"`}, {"extra after", `Z"}`, `Z","role":"admin"}`},
		{"space within", `,`, `, `}, {"space before", `{`, ` {`}, {"newline after", `}`, "}\n"}, {"more after", `}`, `}{}`}, {"a brace more", `}`, `}}`}, {"NUL after", `}`, "}\x00"}, {"BOM before", `{`, "\ufeff{"},
		{"no end", `}`, ``}, {"no beginning", `{`, ``}, {"a comma more", `}`, `,}`}, {"a comment", `,`, `,/**/`}, {"in a list", good, "[" + good + "]"}, {"in quotes", good, fmt.Sprintf("%q", good)},
		{"null", good, `null`}, {"empty object", good, `{}`}, {"nothing", good, ``}, {"a number", good, `1`}, {"deep", good, strings.Repeat("[", 300)},
	} {
		add(change[0], strings.Replace(good, change[1], change[2], 1))
	}
}
