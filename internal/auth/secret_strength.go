package auth

import (
	"errors"
	"strings"
)

const (
	minSecretLen     = 32 // bytes
	minDistinctBytes = 10 // 32 random bytes in hex have fewer with a probability of 10^-12
)

// weakPatterns occur in secrets that were copied from an example or typed by hand. They are in lower case and without
// separators. They are long enough to be rare in random secrets: 32 random bytes in base64 contain one of the
// six-letter words with a probability of about 10^-6, and the runs of eight hex digits are as rare in hex.
var weakPatterns = [...]string{
	"changeme", "changeit", "changethis", "replace", "example", "sample", "placeholder", "default", "insecure", "secret",
	"password", "passphrase", "letmein", "your256bit", "randomstring", "goeshere", "development", "loremipsum",
	"correcthorse", "quickbrownfox", "deadbeef", "12345678", "87654321", "abcdefgh", "qwerty", "qwertz", "azerty",
	"asdfgh", "zxcvbn",
}

// validateSecret returns an error if a signing secret is weak. The error never contains the secret.
func validateSecret(secret string) error {
	secret = strings.TrimSpace(secret) // white space around a secret does not make it stronger
	switch {
	case len(secret) < minSecretLen:
		return errors.New("the secret is shorter than 32 bytes")
	case distinctBytes(secret) < minDistinctBytes:
		return errors.New("the secret has fewer than 10 different characters")
	case isPeriodic(secret):
		return errors.New("the secret is a repetition of a shorter string")
	case hasWeakPattern(secret):
		return errors.New("the secret looks like a sample value or like words, not like random bytes")
	}
	return nil
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

// isPeriodic reports whether text repeats a prefix of at most half its length. The last repetition may be incomplete.
func isPeriodic(text string) bool {
	for period := 1; period <= len(text)/2; period++ {
		if text[period:] == text[:len(text)-period] {
			return true
		}
	}
	return false
}

// hasWeakPattern reports whether secret contains one of weakPatterns, ignoring case and separators.
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
