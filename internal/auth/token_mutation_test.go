package auth

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// validTokens are good tokens of both kinds, always the same ones, so that a seed always makes the same mutations.
func validTokens(k *Keys) (access, refresh []string) {
	for i := range int64(8) {
		s := uuid.NewSHA1(session, []byte{byte(i)})
		access = append(access, k.signClaims(claims{issuer, issuer, fmt.Sprint(i * i * 1000), s.String(), now.Unix() - i, now.Unix() - i, now.Unix() - i + 900, fmt.Sprint("ID", i)}))
		refresh = append(refresh, k.SignRefreshToken(RefreshClaims{s, i + 1}))
	}
	return access, refresh
}

// checkToken reads a token in all ways and returns what is wrong: only the byte-identical originals are good.
func checkToken(k *Keys, access, refresh []string, token string) (fault string) {
	defer func() {
		if p := recover(); p != nil {
			fault = fmt.Sprintf("panic: %v", p)
		}
	}()
	if got, err := k.ParseAccessToken(token, now); (err == nil) != slices.Contains(access, token) {
		return fmt.Sprintf("read as an access token: %+v, %v", got, err)
	}
	if got, err := k.ParseRefreshToken(token); (err == nil) != slices.Contains(refresh, token) {
		return fmt.Sprintf("read as a refresh token: %+v, %v", got, err)
	}
	if _, err := HashAPIToken(token); err == nil && !strings.HasPrefix(token, "llk_") {
		return "taken for an API token"
	}
	return ""
}

const tokenAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/\n\r \x00\xff"

// mutate changes one of the tokens, one to three times over.
func mutate(r *rand.Rand, tokens []string) string {
	b := []byte(tokens[r.IntN(len(tokens))])
	for range 1 + r.IntN(3) {
		other := tokens[r.IntN(len(tokens))]
		at := r.IntN(len(b) + 1)
		switch r.IntN(13) {
		case 0: // a bit
			if at < len(b) {
				b[at] ^= 1 << r.IntN(8)
			}
		case 1: // a letter
			if at < len(b) {
				b[at] = tokenAlphabet[r.IntN(len(tokenAlphabet))]
			}
		case 2: // one more
			b = slices.Insert(b, at, tokenAlphabet[r.IntN(len(tokenAlphabet))])
		case 3: // a few fewer
			b = slices.Delete(b, at, min(len(b), at+1+r.IntN(4)))
		case 4: // the end cut off
			b = b[:at]
		case 5: // the beginning cut off
			b = b[at:]
		case 6: // another's end
			b = append(b[:at:at], other[min(at, len(other)):]...)
		case 7: // another within
			b = slices.Insert(b, at, []byte(other)...)
		case 8: // a segment of another
			parts, theirs := strings.Split(string(b), "."), strings.Split(other, ".")
			parts[r.IntN(len(parts))] = theirs[r.IntN(len(theirs))]
			b = []byte(strings.Join(parts, "."))
		case 9: // the last bits of a segment, which lax decoders drop
			parts := strings.Split(string(b), ".")
			i := r.IntN(len(parts))
			if n := len(parts[i]); n > 0 {
				parts[i] = parts[i][:n-1] + string(tokenAlphabet[(max(0, strings.IndexByte(tokenAlphabet, parts[i][n-1]))+1+r.IntN(15))%64])
			}
			b = []byte(strings.Join(parts, "."))
		case 10: // other spellings
			swaps := []string{"-", "+", "_", "/", "A", "A\n", "J", "J\r\n", ".", "=.", ".", "==.", "llr_", "LLR_", "llr_", "llk_", "e", "%65", ".", "%2E"}
			i := r.IntN(len(swaps)/2) * 2
			b = []byte(strings.ReplaceAll(string(b), swaps[i], swaps[i+1]))
		case 11: // the text of a segment rewritten
			parts := strings.Split(string(b), ".")
			i := r.IntN(len(parts))
			if raw, err := base64.RawURLEncoding.DecodeString(parts[i]); err == nil {
				parts[i] = encode([]byte(rewritePayload(r, string(raw))))
			}
			b = []byte(strings.Join(parts, "."))
		case 12: // case
			b = []byte(strings.ToUpper(string(b[:at])) + string(b[at:]))
		}
	}
	return string(b)
}

func rewritePayload(r *rand.Rand, text string) string {
	swaps := []string{"HS256", "none", "HS256", "HS512", "HS256", "RS256", "at+jwt", "JWT", `"typ"`, `"kid":"1","typ"`, `"sub":"`, `"sub":"1`, "9000", "1", "labledger", "other",
		`"exp":1`, `"exp":2`, `"jti"`, `"role":"admin","jti"`, "{", "{ ", "}", "}{}", ",", ", ", `"nbf":1`, `"nbf":0`, "\x00", "\x01"}
	i := r.IntN(len(swaps)/2) * 2
	return strings.Replace(text, swaps[i], swaps[i+1], 1+r.IntN(2))
}

// TestParse_rejectsMutatedTokens reads a million of them. A failure tells its seed: mutate makes the same token of it again.
func TestParse_rejectsMutatedTokens(t *testing.T) {
	const all, workers = 1_000_000, 4
	k := newKeys(t, secret)
	access, refresh := validTokens(k)
	tokens := slices.Concat(access, refresh)
	for _, token := range tokens {
		if fault := checkToken(k, access, refresh, token); fault != "" {
			t.Fatalf("an original is %s", fault)
		}
	}
	var wait sync.WaitGroup
	same := make([]int, workers)
	for w := range workers {
		wait.Go(func() {
			source := rand.NewPCG(0, 0)
			r := rand.New(source)
			for seed := uint64(w); seed < all && !t.Failed(); seed += workers {
				source.Seed(seed, seed)
				token := mutate(r, tokens)
				if fault := checkToken(k, access, refresh, token); fault != "" {
					t.Errorf("seed %d: %q is %s", seed, token, fault)
				}
				if slices.Contains(tokens, token) {
					same[w]++
				}
			}
		})
	}
	wait.Wait()
	if n := same[0] + same[1] + same[2] + same[3]; n > all/10 {
		t.Errorf("%d of the mutations changed nothing", n)
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
		for _, token := range []string{token, mutate(rand.New(rand.NewPCG(seed, seed)), tokens), mutate(rand.New(rand.NewPCG(seed, seed)), []string{token})} {
			if fault := checkToken(k, access, refresh, token); fault != "" {
				t.Errorf("%q, seed %d, is %s", token, seed, fault)
			}
		}
	})
}
