package auth

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/text/unicode/norm"
)

func TestPasswords_hashAndVerify(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	long := strings.Repeat("𝕏", 127)
	for _, password := range []string{"correct horse", "", " ", "a\x00b", long + "𝕏", "пароль-пароль", "👩‍🔬👩‍🔬👩‍🔬👩‍🔬"} {
		phc, err := p.Hash(ctx, password)
		if err != nil || !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") || len(phc) > 100 {
			t.Fatalf("the hash of %q is %q, %v", password, phc, err)
		}
		if ok, err := p.Verify(ctx, password, phc); err != nil || !ok {
			t.Errorf("%q against its hash: %v, %v", password, ok, err)
		}
		for _, wrong := range []string{password + "x", "x" + password, long + "𝕐", "Correct horse", "correct horse ", "a", "a\x00c"} {
			if ok, err := p.Verify(ctx, wrong, phc); err != nil || ok {
				t.Errorf("%q against the hash of %q: %v, %v", wrong, password, ok, err)
			}
		}
	}
	one, _ := p.Hash(ctx, "correct horse")
	if other, _ := p.Hash(ctx, "correct horse"); one == other {
		t.Error("two hashes of one password are alike: no salt")
	}
}

// TestPasswords_unicodeNormalization checks that what looks the same is the same, however it is typed.
func TestPasswords_unicodeNormalization(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	for _, password := range []string{"Ångström-é", "한글 비밀번호", "ệ-viet-nam", "\u212bngstrom"} {
		phc, err := p.Hash(ctx, norm.NFD.String(password))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := p.Verify(ctx, norm.NFC.String(password), phc); err != nil || !ok {
			t.Errorf("%q typed in one way is another than in the other: %v, %v", password, ok, err)
		}
		phc, _ = p.Hash(ctx, norm.NFC.String(password))
		if ok, err := p.Verify(ctx, norm.NFD.String(password), phc); err != nil || !ok {
			t.Errorf("%q typed in one way is another than in the other: %v, %v", password, ok, err)
		}
	}
}

func TestVerify_storedHashBounds(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	for _, a := range []argon2id.Params{ // other settings, such as earlier ones
		{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 8, KeyLength: 16},
		{Memory: 64 * 1024, Iterations: 1, Parallelism: 4, SaltLength: 64, KeyLength: 64},
		{Memory: 64, Iterations: 8, Parallelism: 2, SaltLength: 16, KeyLength: 32},
	} {
		phc, err := argon2id.CreateHash("correct horse", &a)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := p.Verify(ctx, "correct horse", phc); err != nil || !ok {
			t.Errorf("%s: %v, %v", phc, ok, err)
		}
	}
	const salt, key = "c29tZXNhbHRzb21lc2FsdA", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"
	good := "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key
	if ok, err := p.Verify(ctx, "x", good); err != nil || ok {
		t.Fatalf("%s: %v, %v", good, ok, err)
	}
	for _, change := range [][2]string{
		{"m=64", "m=65537"}, {"m=64", "m=4194304"}, {"m=64", "m=4294967295"}, {"m=64", "m=4294967360"}, {"m=64", "m=7"}, {"m=64", "m=0"}, {"m=64", "m=-1"}, {"m=64", "m=064"},
		{"m=64", "m=+64"}, {"m=64", "m=0x40"}, {"m=64", "m="}, {"t=1", "t=0"}, {"t=1", "t=9"}, {"t=1", "t=4294967295"}, {"p=1", "p=0"}, {"p=1", "p=5"}, {"p=1", "p=255"}, {"p=1", "p=256"},
		{"m=64,t=1,p=1", "m=8,t=1,p=4"}, {"m=64,t=1,p=1", "t=1,m=64,p=1"}, {"p=1", "p=1,keyid=a"}, {"p=1", "p=1 "}, {"v=19", "v=16"}, {"v=19", "v=19x"}, {"$v=19", ""},
		{"argon2id", "argon2i"}, {"argon2id", "argon2d"}, {"argon2id", "Argon2id"}, {"$argon2id", "x$argon2id"}, {"$argon2id", "$2a$10"}, {good, "x"}, {good, "$$$$$"}, {good, "\x00"},
		{"$" + key, ""}, {"$" + key, "$"}, {key, "qqqq"}, {key, key + "$"}, {key, key + "="}, {key, key + "\n"}, {key, key[:42] + "r"}, {key, key[:42] + "!"}, {key, strings.Repeat("qqqq", 30)},
		{salt, ""}, {salt, "AAAA"}, {salt, salt + "=="}, {salt, salt[:9] + "\n" + salt[9:]}, {salt, strings.Repeat("A", 88)}, {good, good + good}, {good, strings.Repeat("A", 1<<20)},
	} {
		phc := strings.Replace(good, change[0], change[1], 1)
		if validHash(phc) {
			t.Errorf("%.200q counts as sane", phc) // and is not tried: it might take all memory
			continue
		}
		if ok, err := p.Verify(ctx, "", phc); err == nil || ok || phc == good || strings.Contains(err.Error(), key) {
			t.Errorf("%.200q: %v, %v", phc, ok, err)
		}
	}
}

// TestVerify_unknownAccount signs in without an account, not even with the password of the hash that stands in for it.
func TestVerify_unknownAccount(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	p.dummyHash, _ = p.Hash(ctx, "correct horse")
	for _, password := range []string{"correct horse", "", "x"} {
		if ok, err := p.Verify(ctx, password, ""); err != nil || ok {
			t.Errorf("%q without an account: %v, %v", password, ok, err)
		}
	}
}

// TestVerify_unknownAccountTakesAsLong takes as long as a wrong password, so that time does not tell which accounts there are.
func TestVerify_unknownAccountTakesAsLong(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	phc, err := p.Hash(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	var ratio float64
	for range 3 { // the machine may be busy with other things
		times := map[string][]time.Duration{}
		for range 15 {
			for _, stored := range []string{phc, ""} {
				from := time.Now()
				if ok, err := p.Verify(ctx, "wrong horse", stored); err != nil || ok {
					t.Fatalf("against %q: %v, %v", stored, ok, err)
				}
				times[stored] = append(times[stored], time.Since(from))
			}
		}
		slices.Sort(times[phc])
		slices.Sort(times[""])
		if ratio = float64(times[""][7]) / float64(times[phc][7]); 0.7 < ratio && ratio < 1.4 {
			return
		}
	}
	t.Errorf("no account takes %.2f times as long as a wrong password", ratio)
}

// hashCalls are the two ways to need a turn.
var hashCalls = map[string]func(*Passwords, context.Context) error{
	"Hash":                   func(p *Passwords, ctx context.Context) error { _, err := p.Hash(ctx, "x"); return err },
	"Verify":                 func(p *Passwords, ctx context.Context) error { _, err := p.Verify(ctx, "x", p.dummyHash); return err },
	"Verify without account": func(p *Passwords, ctx context.Context) error { _, err := p.Verify(ctx, "x", ""); return err },
}

// TestHashConcurrencyLimit fills all turns. The next one waits, and gets the first that is free; in vain it waits three seconds, or until its context ends.
func TestHashConcurrencyLimit(t *testing.T) {
	for name, call := range hashCalls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, ctx := NewPasswords(), t.Context()
				all := runtime.GOMAXPROCS(0)
				for range all {
					if err := p.acquire(ctx); err != nil {
						t.Fatal(err)
					}
				}
				from := time.Now() // the clock stands still but for those who wait
				if err := call(p, ctx); err != ErrBusy || time.Since(from) != 3*time.Second {
					t.Errorf("after %v: %v", time.Since(from), err)
				}
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				from = time.Now()
				if err := call(p, short); !errors.Is(err, context.DeadlineExceeded) || time.Since(from) != time.Second {
					t.Errorf("after %v: %v", time.Since(from), err)
				}
				done := make(chan error, 1)
				go func() { done <- call(p, ctx) }()
				synctest.Wait()
				select {
				case err := <-done:
					t.Fatalf("the call beyond the %d turns does not wait: %v", all, err)
				default:
				}
				time.Sleep(2 * time.Second)
				p.release()
				if err := <-done; err != nil {
					t.Errorf("with a free turn: %v", err)
				}
				if got := len(p.slots); got != all-1 {
					t.Errorf("%d of %d turns are taken; the call keeps its own", got, all)
				}
				gone, cancel := context.WithCancel(ctx)
				cancel()
				for range 20 { // also where there is a turn
					if err := call(p, gone); !errors.Is(err, context.Canceled) {
						t.Errorf("with a context that has ended: %v", err)
					}
				}
			})
		})
	}
}

// TestHashConcurrencyUnderLoad has many more calls than turns: all get one.
func TestHashConcurrencyUnderLoad(t *testing.T) {
	p := NewPasswords()
	done := make(chan error)
	n := 4 * runtime.GOMAXPROCS(0)
	for range n {
		go func() { done <- hashCalls["Verify"](p, t.Context()) }()
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(p.slots) != 0 || cap(p.slots) != runtime.GOMAXPROCS(0) {
		t.Errorf("%d of %d turns are taken at the end", len(p.slots), cap(p.slots))
	}
}
