package auth

import "strings"

// This file tells secrets that somebody made up from random ones.

const (
	minSecretLen     = 32 // bytes
	minDistinctBytes = 10 // different ones; 32 random bytes in hex have fewer once in 10^12 times
)

// weakPatterns are what secrets have in them that were copied from a text or typed by hand, in lower case and without separators. They are long
// enough that random ones hardly have them: 32 random bytes in base64 contain any of the words of six letters once in some 10^6 times, and
// the runs of eight hex digits are as rare in hex.
var weakPatterns = [...]string{
	"changeme", "changeit", "changethis", "replace", "example", "sample", "placeholder", "default", "insecure", "secret", "password", "passphrase",
	"letmein", "your256bit", "randomstring", "goeshere", "development", "loremipsum", "correcthorse", "quickbrownfox", "deadbeef",
	"12345678", "87654321", "abcdefgh", "qwerty", "qwertz", "azerty", "asdfgh", "zxcvbn",
}

// validateSecret returns what is wrong with a secret, as the end of a sentence that begins with "the secret", or "".
func validateSecret(secret string) string {
	secret = strings.TrimSpace(secret) // white space around it makes it no better
	switch {
	case len(secret) < minSecretLen:
		return "is shorter than 32 bytes"
	case distinctBytes(secret) < minDistinctBytes:
		return "is made of fewer than 10 different characters"
	case isPeriodic(secret):
		return "is a repetition of a shorter piece"
	case hasWeakPattern(secret):
		return "looks like a sample or like words, not like random bytes"
	}
	return ""
}

func distinctBytes(text string) (n int) {
	var seen [256]bool
	for i := range len(text) {
		if !seen[text[i]] {
			seen[text[i]] = true
			n++
		}
	}
	return n
}

// isPeriodic tells whether a text is a piece of it, of half its length at most, again and again. The last one may be cut off.
func isPeriodic(text string) bool {
	for period := 1; period <= len(text)/2; period++ {
		if text[period:] == text[:len(text)-period] {
			return true
		}
	}
	return false
}

func hasWeakPattern(secret string) bool {
	normalized := strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, secret)
	for _, pattern := range weakPatterns {
		if strings.Contains(normalized, pattern) {
			return true
		}
	}
	return false
}
