package auth

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestValidatePassword(t *testing.T) {
	const (
		short, long  = "must have at least 8 characters", "must have at most 128 characters"
		common, user = "is one of the most common passwords; choose another", "must not be the username"
		utf8, noNULs = "must be valid UTF-8", "must not contain a NUL character"
	)
	for _, c := range []struct{ password, username, want string }{
		{"correct horse", "ada", ""}, {"zq8-1kfm", "ada", ""}, {"        ", "ada", ""}, {"zq81kfmx", "", ""},
		{"correct horse", "correct horses", ""},
		{"", "ada", short}, {"", "", short}, {"zq8-1kf", "ada", short}, {"ééééééé", "ada", short},
		{strings.Repeat("e\u0301", 7), "ada", short}, {"👩‍🔬👩‍🔬", "ada", short},
		{"éàçèùôîâ", "ada", ""}, {strings.Repeat("e\u0301", 8), "ada", ""}, {"пароль-7", "ada", ""},
		{"𝕏𝕐𝕏𝕐𝕏𝕐𝕏𝕐", "ada", ""},
		{strings.Repeat("𝕏", 128), "ada", ""}, {strings.Repeat("𝕏", 129), "ada", long},
		{strings.Repeat("x", 128), "ada", ""}, {strings.Repeat("x", 129), "ada", long},
		{strings.Repeat("e\u0301", 128), "ada", ""}, {strings.Repeat("x", 1<<20), "ada", long},
		{"ada.lovelace", "ada.lovelace", user}, {"ADA.Lovelace", "ada.lovelace", user},
		{"ZOË-ZOË-", "zoe\u0308-zoe\u0308-", user},
		{"password", "ada", common}, {"PassWord", "ada", common}, {"12345678", "ada", common},
		{"qwertyuiop", "ada", common}, {"iloveyou", "ada", common}, {"trustno1", "ada", common},
		{"Password1", "ada", common}, {"1Q2W3E4R", "ada", common}, {"baseball", "ada", common},
		{"password", "password", user},
		{"password123", "ada", common}, {"P@ssw0rd", "ada", common}, {"dragon123", "ada", common},
		{"Qwerty2024!", "ada", common}, {"$unsh1ne!!", "ada", common}, {"pr!nces$", "ada", common},
		{" 2024: Dragon? ", "ada", common}, {"letme1n!", "ada", common}, {"l1verpoo1", "ada", common},
		{"1q2w3e4r!", "ada", common}, {"70y0ta!!", "ada", common},
		{"correct horse battery staple", "ada", ""}, {"dragon horse", "ada", ""}, {"password of ada", "ada", ""},
		{"mydragon123", "ada", ""}, {"fish-1942", "ada", ""}, {"20245150!", "ada", ""},
		{"p4ssword-", "ada", ""}, {"$$$$$00000000", "ada", ""},
		{strings.Repeat("1", 63) + "xx" + strings.Repeat("1", 63), "ada", ""},
		{"correct\xffhorse", "ada", utf8}, {"\xed\xa0\x80 surrogate", "ada", utf8}, {"\xff", "ada", utf8},
		{"correct\x00horse", "ada", noNULs}, {"\x00", "ada", noNULs},
	} {
		if got := ValidatePassword(c.password, c.username); got != c.want {
			t.Errorf("ValidatePassword(%.40q, %q) = %q, want %q", c.password, c.username, got, c.want)
		}
	}
	if n := len(commonPasswords()); n < 6000 {
		t.Errorf("%d common passwords, want at least 6000", n)
	}
}

// Common passwords are rejected with any letter replacement and any padding, if a letter is left.
func TestValidatePassword_rejectsDisguisedCommonPasswords(t *testing.T) {
	replacements := map[rune]string{'a': "a@", 'o': "o0", 'i': "i1!", 'l': "l1", 'e': "e3", 's': "s$5", 't': "t7"}
	const padding = "0123456789!@$-_. "
	words := slices.Sorted(maps.Keys(commonPasswords()))
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom(words).Filter(fiveLettersPattern.MatchString).Draw(t, "word")
		var disguised strings.Builder
		disguised.WriteString(rapid.StringOfN(rapid.RuneFrom([]rune(padding)), 0, 3, -1).Draw(t, "before"))
		for _, r := range word {
			r = rapid.SampledFrom([]rune(cmp.Or(replacements[r], string(r)))).Draw(t, "letter")
			if rapid.Bool().Draw(t, "upper") {
				r = unicode.ToUpper(r)
			}
			disguised.WriteRune(r)
		}
		disguised.WriteString(rapid.StringOfN(rapid.RuneFrom([]rune(padding)), minPasswordLen, 12, -1).Draw(t, "after"))
		hasLetter := strings.ContainsFunc(disguised.String(), unicode.IsLetter)
		if hasLetter && ValidatePassword(disguised.String(), "") == "" {
			t.Errorf("%q, which is %q in disguise, is accepted", disguised.String(), word)
		}
	})
}

var fiveLettersPattern = regexp.MustCompile(`^[a-z]{5,}$`)

// Generated passwords are accepted, whatever their alphabet.
func TestValidatePassword_acceptsGeneratedPasswords(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const all = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"
	for _, alphabet := range []string{all, all[:62], all[:26], all[26:62], "0123456789abcdef", "0123456789"} {
		for range 20_000 {
			var password strings.Builder
			for range 16 {
				password.WriteByte(alphabet[random.IntN(len(alphabet))])
			}
			if reason := ValidatePassword(password.String(), "ada"); reason != "" {
				t.Errorf("%q %s", password.String(), reason)
			}
		}
	}
}
