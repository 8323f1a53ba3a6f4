package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// ErrBusy is returned when a password operation waited too long for a free slot. The caller may retry later.
var ErrBusy = errors.New("too many password operations are in progress; try again later")

var errInvalidHash = errors.New("auth: the stored password hash is not an argon2id hash within bounds")

// acquireTimeout is how long an operation waits for a free slot.
const acquireTimeout = 3 * time.Second

// Parameters of new hashes. Verify also accepts hashes with other parameters within the bounds below.
const (
	argonMemory      = 19 * 1024 // KiB
	argonIterations  = 2
	argonParallelism = 1
	argonSaltLen     = 16 // bytes
	argonKeyLen      = 32 // bytes
)

// Bounds of the stored hashes that Verify accepts. They keep a manipulated hash from allocating gigabytes or from
// matching an empty key.
const (
	maxHashLen             = 256       // bytes of the PHC string
	maxMemory              = 64 * 1024 // KiB
	minMemoryPerLane       = 8         // KiB; the minimum of argon2
	maxIterations          = 8
	maxParallelism         = 4
	minSaltLen, maxSaltLen = 8, 64  // bytes
	minKeyLen, maxKeyLen   = 16, 64 // bytes
)

func hashParams() *argon2id.Params {
	return &argon2id.Params{
		Memory:      argonMemory,
		Iterations:  argonIterations,
		Parallelism: argonParallelism,
		SaltLength:  argonSaltLen,
		KeyLength:   argonKeyLen,
	}
}

// Passwords hashes and verifies passwords with argon2id: 19 MiB, 2 iterations, parallelism 1.
// It runs at most GOMAXPROCS operations at once to bound memory. Other calls wait up to 3 seconds and then return
// ErrBusy. Passwords is safe for concurrent use.
type Passwords struct {
	slots     chan struct{}
	dummyHash string // hash of a random password, verified when the account does not exist
}

// NewPasswords returns a Passwords. The first call computes a hash, which takes about 30 ms.
func NewPasswords() *Passwords {
	return &Passwords{
		slots:     make(chan struct{}, runtime.GOMAXPROCS(0)),
		dummyHash: dummyHash(),
	}
}

// dummyHash returns the hash of a random password. All calls return the same one.
var dummyHash = sync.OnceValue(func() string { return must(argon2id.CreateHash(rand.Text(), hashParams())) })

// Hash returns the hash of a password with a random salt, as a PHC string of about 100 bytes. It returns ErrBusy or
// ctx's error if no slot becomes free. The caller validates the password with ValidatePassword first.
// Hash normalizes the password to NFC, so visually identical spellings are equal.
func (p *Passwords) Hash(ctx context.Context, password string) (phc string, err error) {
	if err := p.acquire(ctx); err != nil {
		return "", err
	}
	defer p.release()
	return argon2id.CreateHash(norm.NFC.String(password), hashParams())
}

// Verify reports whether phc is the hash of password. An empty phc stands for an account that does not exist: Verify
// returns false after the same time. It returns ErrBusy, ctx's error, or an error if phc is malformed or out of bounds.
func (p *Passwords) Verify(ctx context.Context, password, phc string) (ok bool, err error) {
	stored := phc
	if phc == "" {
		stored = p.dummyHash
	}
	if !validHash(stored) {
		return false, errInvalidHash
	}
	if err := p.acquire(ctx); err != nil {
		return false, err
	}
	defer p.release()
	matches, err := argon2id.ComparePasswordAndHash(norm.NFC.String(password), stored)
	return matches && phc != "" && err == nil, err
}

// validHash reports whether a PHC string is an argon2id hash within bounds. It formats the parsed hash again, to reject
// text that the parser ignores.
func validHash(phc string) bool {
	if len(phc) > maxHashLen {
		return false
	}
	params, salt, key, err := argon2id.DecodeHash(phc)
	if err != nil {
		return false
	}
	if params.Parallelism < 1 || params.Parallelism > maxParallelism {
		return false
	}
	if params.Iterations < 1 || params.Iterations > maxIterations {
		return false
	}
	if params.Memory < minMemoryPerLane*uint32(params.Parallelism) || params.Memory > maxMemory {
		return false
	}
	if len(salt) < minSaltLen || len(salt) > maxSaltLen || len(key) < minKeyLen || len(key) > maxKeyLen {
		return false
	}
	b64 := base64.RawStdEncoding
	return phc == fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		params.Memory, params.Iterations, params.Parallelism, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// acquire waits for a free slot. The caller must call release if it returns nil.
func (p *Passwords) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(acquireTimeout):
		return ErrBusy
	}
}

func (p *Passwords) release() { <-p.slots }
