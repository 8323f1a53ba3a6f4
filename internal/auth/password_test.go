package auth

import (
	"context"
	"errors"
	"runtime"
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
			t.Fatalf("Hash(%q) = %q, %v", password, phc, err)
		}
		if ok, err := p.Verify(ctx, password, phc); err != nil || !ok {
			t.Errorf("%q does not match its hash: %v, %v", password, ok, err)
		}
		for _, wrong := range []string{password + "x", "x" + password, long + "𝕐", "Correct horse", "correct horse ",
			"a", "a\x00c"} {
			if ok, err := p.Verify(ctx, wrong, phc); err != nil || ok {
				t.Errorf("%q matches the hash of %q: %v, %v", wrong, password, ok, err)
			}
		}
	}
	first, _ := p.Hash(ctx, "correct horse")
	if second, _ := p.Hash(ctx, "correct horse"); first == second {
		t.Error("two hashes of one password are equal: no random salt")
	}
}

// Passwords match across Unicode normalization forms.
func TestPasswords_unicodeNormalization(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	for _, password := range []string{"Ångström-é", "한글 비밀번호", "ệ-viet-nam", "\u212bngstrom"} {
		phc, err := p.Hash(ctx, norm.NFD.String(password))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := p.Verify(ctx, norm.NFC.String(password), phc); err != nil || !ok {
			t.Errorf("%q as NFC does not match its NFD hash: %v, %v", password, ok, err)
		}
		phc, _ = p.Hash(ctx, norm.NFC.String(password))
		if ok, err := p.Verify(ctx, norm.NFD.String(password), phc); err != nil || !ok {
			t.Errorf("%q as NFD does not match its NFC hash: %v, %v", password, ok, err)
		}
	}
}

func TestVerify_storedHashBounds(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	for _, params := range []argon2id.Params{ // other parameters within bounds
		{Memory: 8, Iterations: 1, Parallelism: 1, SaltLength: 8, KeyLength: 16},
		{Memory: 64 * 1024, Iterations: 1, Parallelism: 4, SaltLength: 64, KeyLength: 64},
		{Memory: 64, Iterations: 8, Parallelism: 2, SaltLength: 16, KeyLength: 32},
	} {
		phc, err := argon2id.CreateHash("correct horse", &params)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := p.Verify(ctx, "correct horse", phc); err != nil || !ok {
			t.Errorf("%s: %v, %v", phc, ok, err)
		}
	}
	const salt, key = "c29tZXNhbHRzb21lc2FsdA", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"
	valid := "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key
	if ok, err := p.Verify(ctx, "x", valid); err != nil || ok {
		t.Fatalf("%s: %v, %v", valid, ok, err)
	}
	for _, change := range [][2]string{
		{"m=64", "m=65537"}, {"m=64", "m=4194304"}, {"m=64", "m=4294967295"}, {"m=64", "m=4294967360"}, {"m=64", "m=7"},
		{"m=64", "m=0"}, {"m=64", "m=-1"}, {"m=64", "m=064"},
		{"m=64", "m=+64"}, {"m=64", "m=0x40"}, {"m=64", "m="}, {"t=1", "t=0"}, {"t=1", "t=9"}, {"t=1", "t=4294967295"},
		{"p=1", "p=0"}, {"p=1", "p=5"}, {"p=1", "p=255"}, {"p=1", "p=256"},
		{"m=64,t=1,p=1", "m=8,t=1,p=4"}, {"m=64,t=1,p=1", "t=1,m=64,p=1"}, {"p=1", "p=1,keyid=a"}, {"p=1", "p=1 "},
		{"v=19", "v=16"}, {"v=19", "v=19x"}, {"$v=19", ""},
		{"argon2id", "argon2i"}, {"argon2id", "argon2d"}, {"argon2id", "Argon2id"}, {"$argon2id", "x$argon2id"},
		{"$argon2id", "$2a$10"}, {valid, "x"}, {valid, "$$$$$"}, {valid, "\x00"},
		{"$" + key, ""}, {"$" + key, "$"}, {key, "qqqq"}, {key, key + "$"}, {key, key + "="}, {key, key + "\n"},
		{key, key[:42] + "r"}, {key, key[:42] + "!"}, {key, strings.Repeat("qqqq", 30)},
		{salt, ""}, {salt, "AAAA"}, {salt, salt + "=="}, {salt, salt[:9] + "\n" + salt[9:]},
		{salt, strings.Repeat("A", 88)}, {valid, valid + valid}, {valid, strings.Repeat("A", 1<<20)},
	} {
		phc := strings.Replace(valid, change[0], change[1], 1)
		if validHash(phc) {
			t.Errorf("validHash accepts %.200q", phc)
			continue // verifying it might exhaust the memory
		}
		if ok, err := p.Verify(ctx, "", phc); err == nil || ok || phc == valid || strings.Contains(err.Error(), key) {
			t.Errorf("%.200q: %v, %v", phc, ok, err)
		}
	}
}

// Verify is false without an account, even for the password of the dummy hash.
func TestVerify_unknownAccount(t *testing.T) {
	p, ctx := NewPasswords(), t.Context()
	p.dummyHash, _ = p.Hash(ctx, "correct horse")
	for _, password := range []string{"correct horse", "", "x"} {
		if ok, err := p.Verify(ctx, password, ""); err != nil || ok {
			t.Errorf("Verify(%q) without an account = %v, %v", password, ok, err)
		}
	}
}

// hashCalls are the calls that need a slot.
var hashCalls = map[string]func(*Passwords, context.Context) error{
	"Hash": func(p *Passwords, ctx context.Context) error { _, err := p.Hash(ctx, "x"); return err },
	"Verify": func(p *Passwords, ctx context.Context) error {
		_, err := p.Verify(ctx, "x", p.dummyHash)
		return err
	},
	"Verify without account": func(p *Passwords, ctx context.Context) error {
		_, err := p.Verify(ctx, "x", "")
		return err
	},
}

// With all slots taken, a call waits for the first free slot, for three seconds or until its context is done.
func TestHashConcurrencyLimit(t *testing.T) {
	for name, call := range hashCalls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, ctx := NewPasswords(), t.Context()
				slots := runtime.GOMAXPROCS(0)
				for range slots {
					if err := p.acquire(ctx); err != nil {
						t.Fatal(err)
					}
				}
				start := time.Now() // the fake clock advances only while all goroutines wait
				if err := call(p, ctx); err != ErrBusy || time.Since(start) != 3*time.Second {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				shortCtx, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				start = time.Now()
				if err := call(p, shortCtx); !errors.Is(err, context.DeadlineExceeded) ||
					time.Since(start) != time.Second {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				done := make(chan error, 1)
				go func() { done <- call(p, ctx) }()
				synctest.Wait()
				select {
				case err := <-done:
					t.Fatalf("the call does not wait although all %d slots are taken: %v", slots, err)
				default:
				}
				time.Sleep(2 * time.Second)
				p.release()
				if err := <-done; err != nil {
					t.Errorf("with a free slot: %v", err)
				}
				if got := len(p.slots); got != slots-1 {
					t.Errorf("%d of %d slots are taken after the call, want %d", got, slots, slots-1)
				}
				cancelled, cancel := context.WithCancel(ctx)
				cancel()
				for range 20 { // select would pick the free slot half of the time
					if err := call(p, cancelled); !errors.Is(err, context.Canceled) {
						t.Errorf("with a cancelled context: %v", err)
					}
				}
			})
		})
	}
}

// With many more calls than slots, at least as many calls as slots succeed, and every slot is free at the end. On a slow
// machine some calls wait for too long.
func TestHashConcurrencyUnderLoad(t *testing.T) {
	p := NewPasswords()
	done := make(chan error)
	n := 4 * runtime.GOMAXPROCS(0)
	for range n {
		go func() { done <- hashCalls["Verify"](p, t.Context()) }()
	}
	succeeded := 0
	for range n {
		switch err := <-done; err {
		case nil:
			succeeded++
		case ErrBusy:
		default:
			t.Error(err)
		}
	}
	if succeeded < cap(p.slots) {
		t.Errorf("%d calls succeeded, want at least %d", succeeded, cap(p.slots))
	}
	if len(p.slots) != 0 || cap(p.slots) != runtime.GOMAXPROCS(0) {
		t.Errorf("%d of %d slots are taken at the end", len(p.slots), cap(p.slots))
	}
}
