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

// commonPasswords is a list of some thousand passwords, in lower case, made when it is first asked for. The list's own package would read it at every
// start of the program, with four others.
var commonPasswords = sync.OnceValue(func() map[string]bool {
	var tokens struct{ List []string }
	if err := json.Unmarshal(must(data.Asset("data/Passwords.json")), &tokens); err != nil {
		panic("auth: " + err.Error())
	}
	set := make(map[string]bool, len(tokens.List))
	for _, word := range tokens.List {
		set[strings.ToLower(word)] = true
	}
	return set
})

// minLetters is how many letters a common password has at least that is looked for in disguise: the shorter ones turn up by chance.
const minLetters = 5

// normalizedCommon are the common passwords as plain writes them.
var normalizedCommon = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool, len(commonPasswords()))
	for word := range commonPasswords() {
		text := unleet(word)
		letters := 0
		for _, r := range text {
			if unicode.IsLetter(r) {
				letters++
			}
		}
		if letters >= minLetters {
			set[string(text)] = true
		}
	}
	return set
})

// unleet undoes, rune for rune, what people write in the place of letters. As 1 is i or l, those two become one.
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

// isCommon tells whether a password is a common one, also in slight disguise: P@ssw0rd!, 2024dragon. What stands before the first letter and
// after the last one may be in the place of letters, or be added.
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
	leading, trailing := len(runes)-utf8.RuneCountInString(fromFirstLetter), utf8.RuneCountInString(fromFirstLetter)-utf8.RuneCountInString(lettersSpan)
	for start := range leading + 1 {
		for dropped := range trailing + 1 {
			if normalizedCommon()[string(runes[start:len(runes)-dropped])] {
				return true
			}
		}
	}
	return false
}

// ValidatePassword returns what is wrong with a new password, as the end of a sentence that begins with the field's name, or "". It judges the
// password as it is hashed (NFC), so that all spellings that look the same fare the same. There are no rules about kinds of characters: they
// make passwords worse. The username may be "" where it is not known.
func ValidatePassword(password, username string) string {
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
