package auth

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/data"
	"github.com/go-json-experiment/json"
	"golang.org/x/text/unicode/norm"
)

// Bounds of a password, in Unicode code points.
const (
	minPasswordLen = 8
	maxPasswordLen = 128
)

// commonPasswords returns the set of common passwords in lower case, loaded at first use. It reads the data file
// directly, because importing zxcvbn itself would load this list and four others at program start.
var commonPasswords = sync.OnceValue(func() map[string]bool {
	var list struct{ List []string }
	if err := json.Unmarshal(must(data.Asset("data/Passwords.json")), &list); err != nil {
		panic("auth: " + err.Error())
	}
	set := make(map[string]bool, len(list.List))
	for _, word := range list.List {
		set[strings.ToLower(word)] = true
	}
	return set
})

// minLetters is the minimum number of letters of a common password that is also rejected in disguise. Shorter ones
// match random passwords by chance.
const minLetters = 5

// normalizedCommon returns the common passwords of at least minLetters letters, in the form that unleet produces.
var normalizedCommon = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool, len(commonPasswords()))
	for word := range commonPasswords() {
		normalized := unleet(word)
		letters := 0
		for _, r := range normalized {
			if unicode.IsLetter(r) {
				letters++
			}
		}
		if letters >= minLetters {
			set[string(normalized)] = true
		}
	}
	return set
})

// unleet lower-cases a password and replaces digits and symbols with the letters they commonly stand for, rune for
// rune. 1 stands for i or l, so it maps i, l and 1 to l.
func unleet(text string) []rune {
	return []rune(strings.Map(func(r rune) rune {
		switch r {
		case '@':
			return 'a'
		case '0':
			return 'o'
		case '1', '!', 'i':
			return 'l'
		case '3':
			return 'e'
		case '$', '5':
			return 's'
		case '7':
			return 't'
		}
		return r
	}, strings.ToLower(text)))
}

// isCommon reports whether a password is a common one, possibly disguised like P@ssw0rd! or 2024dragon. Characters
// before the first and after the last letter may replace letters or be padding, so it tries every way to strip them. A
// password without letters is not a disguise: long numbers would match by chance.
func isCommon(password string) bool {
	if commonPasswords()[strings.ToLower(password)] {
		return true
	}
	notLetter := func(r rune) bool { return !unicode.IsLetter(r) }
	fromFirstLetter := strings.TrimLeftFunc(password, notLetter)
	lettersSpan := strings.TrimRightFunc(fromFirstLetter, notLetter)
	if lettersSpan == "" {
		return false
	}
	runes := unleet(password)
	leading := len(runes) - utf8.RuneCountInString(fromFirstLetter)
	trailing := utf8.RuneCountInString(fromFirstLetter) - utf8.RuneCountInString(lettersSpan)
	for start := range leading + 1 {
		for dropped := range trailing + 1 {
			if normalizedCommon()[string(runes[start:len(runes)-dropped])] {
				return true
			}
		}
	}
	return false
}

// ValidatePassword returns the reason why a new password is rejected, or "". The reason continues a sentence that
// starts with the field's name. username may be "" if it is unknown.
//
// ValidatePassword checks the NFC form, which Hash also uses, so equivalent spellings get the same result. It does not
// require kinds of characters, because such rules lead to weaker passwords.
func ValidatePassword(password, username string) (reason string) {
	if !utf8.ValidString(password) {
		return "must be valid UTF-8"
	}
	if strings.ContainsRune(password, 0) {
		return "must not contain a NUL character"
	}
	password = norm.NFC.String(password)
	switch n := utf8.RuneCountInString(password); {
	case n < minPasswordLen:
		return "must have at least 8 characters"
	case n > maxPasswordLen:
		return "must have at most 128 characters"
	case strings.EqualFold(password, norm.NFC.String(username)):
		return "must not be the username"
	case isCommon(password):
		return "is one of the most common passwords; choose another"
	}
	return ""
}
