package auth

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// validTokens returns access and refresh tokens. They are always the same, so a seed always gives the same mutation.
func validTokens(k *Keys) (access, refresh []string) {
	for i := range int64(8) {
		s := uuid.NewSHA1(session, []byte{byte(i)})
		issuedAt := now.Add(-time.Duration(i) * time.Second)
		access = append(access, k.signClaims(newClaims(i*i*1000, s, issuedAt, fmt.Sprint("ID", i))))
		refresh = append(refresh, k.SignRefreshToken(RefreshClaims{s, i + 1}))
	}
	return access, refresh
}

// checkToken parses a token as each kind and returns a failure message, or "". Only tokens that equal a valid one may
// be accepted.
func checkToken(k *Keys, access, refresh []string, token string) (failure string) {
	defer func() {
		if p := recover(); p != nil {
			failure = fmt.Sprintf("panic: %v", p)
		}
	}()
	if got, err := k.ParseAccessToken(token, now); (err == nil) != slices.Contains(access, token) {
		return fmt.Sprintf("ParseAccessToken: %+v, %v", got, err)
	}
	if got, err := k.ParseRefreshToken(token); (err == nil) != slices.Contains(refresh, token) {
		return fmt.Sprintf("ParseRefreshToken: %+v, %v", got, err)
	}
	if _, err := HashAPIToken(token); err == nil && !strings.HasPrefix(token, "llk_") {
		return "HashAPIToken accepts it"
	}
	return ""
}

const tokenAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/\n\r \x00\xff"

// mutate returns one of the tokens after one to three random changes.
func mutate(r *rand.Rand, tokens []string) string {
	b := []byte(tokens[r.IntN(len(tokens))])
	for range 1 + r.IntN(3) {
		other := tokens[r.IntN(len(tokens))]
		at := r.IntN(len(b) + 1)
		switch r.IntN(13) {
		case 0: // flip a bit
			if at < len(b) {
				b[at] ^= 1 << r.IntN(8)
			}
		case 1: // replace a character
			if at < len(b) {
				b[at] = tokenAlphabet[r.IntN(len(tokenAlphabet))]
			}
		case 2: // insert a character
			b = slices.Insert(b, at, tokenAlphabet[r.IntN(len(tokenAlphabet))])
		case 3: // delete up to four characters
			b = slices.Delete(b, at, min(len(b), at+1+r.IntN(4)))
		case 4: // drop the end
			b = b[:at]
		case 5: // drop the beginning
			b = b[at:]
		case 6: // take the end of another token
			b = append(b[:at:at], other[min(at, len(other)):]...)
		case 7: // insert another token
			b = slices.Insert(b, at, []byte(other)...)
		case 8: // replace a segment with one of another token
			parts, otherParts := strings.Split(string(b), "."), strings.Split(other, ".")
			parts[r.IntN(len(parts))] = otherParts[r.IntN(len(otherParts))]
			b = []byte(strings.Join(parts, "."))
		case 9: // change the last bits of a segment, which lenient decoders drop
			parts := strings.Split(string(b), ".")
			i := r.IntN(len(parts))
			if n := len(parts[i]); n > 0 {
				parts[i] = parts[i][:n-1] +
					string(tokenAlphabet[(max(0, strings.IndexByte(tokenAlphabet, parts[i][n-1]))+1+r.IntN(15))%64])
			}
			b = []byte(strings.Join(parts, "."))
		case 10: // use other encodings
			swaps := []string{"-", "+", "_", "/", "A", "A\n", "J", "J\r\n", ".", "=.", ".", "==.", "llr_", "LLR_",
				"llr_", "llk_", "e", "%65", ".", "%2E"}
			i := r.IntN(len(swaps)/2) * 2
			b = []byte(strings.ReplaceAll(string(b), swaps[i], swaps[i+1]))
		case 11: // change the decoded payload
			parts := strings.Split(string(b), ".")
			i := r.IntN(len(parts))
			if raw, err := base64.RawURLEncoding.DecodeString(parts[i]); err == nil {
				parts[i] = encode([]byte(rewritePayload(r, string(raw))))
			}
			b = []byte(strings.Join(parts, "."))
		case 12: // change the case
			b = []byte(strings.ToUpper(string(b[:at])) + string(b[at:]))
		}
	}
	return string(b)
}

func rewritePayload(r *rand.Rand, text string) string {
	swaps := []string{"HS256", "none", "HS256", "HS512", "HS256", "RS256", "at+jwt", "JWT", `"typ"`, `"kid":"1","typ"`,
		`"sub":"`, `"sub":"1`, "9000", "1", "labledger", "other",
		`"exp":1`, `"exp":2`, `"jti"`, `"role":"admin","jti"`, "{", "{ ", "}", "}{}", ",", ", ", `"iat":1`, `"iat":0`,
		"\x00", "\x01"}
	i := r.IntN(len(swaps)/2) * 2
	return strings.Replace(text, swaps[i], swaps[i+1], 1+r.IntN(2))
}

// The test parses fifty thousand mutated tokens; FuzzMutatedTokens parses more. A failure reports its seed, from which
// mutate recreates the token.
func TestParse_rejectsMutatedTokens(t *testing.T) {
	const mutations, workers = 50_000, 4
	k := newKeys(t, secret)
	access, refresh := validTokens(k)
	tokens := slices.Concat(access, refresh)
	for _, token := range tokens {
		if failure := checkToken(k, access, refresh, token); failure != "" {
			t.Fatalf("unmodified token: %s", failure)
		}
	}
	var wg sync.WaitGroup
	unchanged := make([]int, workers)
	for w := range workers {
		wg.Go(func() {
			source := rand.NewPCG(0, 0)
			r := rand.New(source)
			for seed := uint64(w); seed < mutations && !t.Failed(); seed += workers {
				source.Seed(seed, seed)
				token := mutate(r, tokens)
				if failure := checkToken(k, access, refresh, token); failure != "" {
					t.Errorf("seed %d: %q: %s", seed, token, failure)
				}
				if slices.Contains(tokens, token) {
					unchanged[w]++
				}
			}
		})
	}
	wg.Wait()
	if n := unchanged[0] + unchanged[1] + unchanged[2] + unchanged[3]; n > mutations/10 {
		t.Errorf("%d of %d mutations left the token unchanged", n, mutations)
	}
}

func FuzzMutatedTokens(f *testing.F) {
	k := newKeys(f, secret)
	access, refresh := validTokens(k)
	tokens := slices.Concat(access, refresh)
	for i, token := range tokens {
		f.Add(token, uint64(i))
	}
	f.Add(signToken(k, validHeader, strings.Replace(validClaims(), `"7"`, `"07"`, 1)), uint64(100))
	f.Fuzz(func(t *testing.T, token string, seed uint64) {
		random := func() *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }
		for _, token := range []string{token, mutate(random(), tokens), mutate(random(), []string{token})} {
			if failure := checkToken(k, access, refresh, token); failure != "" {
				t.Errorf("seed %d: %q: %s", seed, token, failure)
			}
		}
	})
}
