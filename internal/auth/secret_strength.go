package auth

import "strings"

// This file tells secrets that somebody made up from random ones.

const (
	leastSecret = 32 // bytes
	leastBytes  = 10 // different ones; 32 random bytes in hex have fewer once in 10^12 times
)

// samples are what secrets have in them that were copied from a text or typed by hand, in lower case and without separators. They are long
// enough that random ones hardly have them: 32 random bytes in base64 contain any of the words of six letters once in some 10^6 times, and
// the runs of eight hex digits are as rare in hex.
var samples = [...]string{
	"changeme", "changeit", "changethis", "replace", "example", "sample", "placeholder", "default", "insecure", "secret", "password", "passphrase",
	"letmein", "your256bit", "randomstring", "goeshere", "development", "loremipsum", "correcthorse", "quickbrownfox", "deadbeef",
	"12345678", "87654321", "abcdefgh", "qwerty", "qwertz", "azerty", "asdfgh", "zxcvbn",
}

// secretFault returns what is wrong with a secret, as the end of a sentence that begins with "the secret", or "".
func secretFault(secret string) string {
	secret = strings.TrimSpace(secret) // white space around it makes it no better
	switch {
	case len(secret) < leastSecret:
		return "is shorter than 32 bytes"
	case differentBytes(secret) < leastBytes:
		return "is made of fewer than 10 different characters"
	case repeats(secret):
		return "is a repetition of a shorter piece"
	case isSample(secret):
		return "looks like a sample or like words, not like random bytes"
	}
	return ""
}

func differentBytes(text string) (n int) {
	var seen [256]bool
	for i := range len(text) {
		if !seen[text[i]] {
			seen[text[i]] = true
			n++
		}
	}
	return n
}

// repeats tells whether a text is a piece of it, of half its length at most, again and again. The last one may be cut off.
func repeats(text string) bool {
	for period := 1; period <= len(text)/2; period++ {
		if text[period:] == text[:len(text)-period] {
			return true
		}
	}
	return false
}

func isSample(secret string) bool {
	plain := strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, secret)
	for _, sample := range samples {
		if strings.Contains(plain, sample) {
			return true
		}
	}
	return false
}
