package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// ErrBusy says that a password had to wait too long for its turn. It may be tried again later.
var ErrBusy = errors.New("too many passwords are being checked; try again later")

var errInvalidHash = errors.New("auth: a stored password hash is not one of argon2id within bounds")

const acquireTimeout = 3 * time.Second

// What a hash costs now. Those that are stored with other settings can be read still, within the bounds below.
const (
	argonMemory      = 19 * 1024 // KiB
	argonIterations  = 2
	argonParallelism = 1
	argonSaltLen     = 16 // bytes
	argonKeyLen      = 32 // bytes
)

// Bounds of the hashes that Verify reads. Nobody who can write one may make us allocate gigabytes, or compare with nothing.
const (
	maxHashLen             = 256       // bytes of text
	maxMemory              = 64 * 1024 // KiB
	minMemoryPerLane       = 8         // KiB for each lane: argon2 takes no less
	maxIterations          = 8
	maxParallelism         = 4
	minSaltLen, maxSaltLen = 8, 64  // bytes
	minKeyLen, maxKeyLen   = 16, 64 // bytes
)

func hashParams() *argon2id.Params {
	return &argon2id.Params{Memory: argonMemory, Iterations: argonIterations, Parallelism: argonParallelism, SaltLength: argonSaltLen, KeyLength: argonKeyLen}
}

// Passwords hashes and checks passwords with argon2id: 19 MiB, 2 passes, 1 lane. It does as many at once as there are processors, so that
// memory is bounded; the others wait, and are told ErrBusy after 3 s. It is safe for concurrent use.
type Passwords struct {
	slots     chan struct{}
	dummyHash string // the hash of a password that nobody has
}

// NewPasswords makes a Passwords. It hashes once, so it takes some 30 ms.
func NewPasswords() *Passwords {
	return &Passwords{
		slots:     make(chan struct{}, runtime.GOMAXPROCS(0)),
		dummyHash: must(argon2id.CreateHash(rand.Text(), hashParams())),
	}
}

// Hash returns the hash of a password as a PHC string of some 100 bytes, with a random salt: ErrBusy or ctx's error when its turn does not
// come. The password should have passed ValidatePassword; spellings of it that look the same (NFC) count as the same.
func (p *Passwords) Hash(ctx context.Context, password string) (phc string, err error) {
	if err := p.acquire(ctx); err != nil {
		return "", err
	}
	defer p.release()
	return argon2id.CreateHash(norm.NFC.String(password), hashParams())
}

// Verify tells whether a password is the one of which Hash made phc. The phc "" means that there is no such account: it takes as long, and
// is false. An error is ErrBusy, ctx's, or that of a phc which cannot be read or asks for more than sane memory and time.
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

// validHash tells whether a PHC string is one that may be computed. It is written again to see that nothing is in it which the reader skips.
func validHash(phc string) bool {
	if len(phc) > maxHashLen {
		return false
	}
	params, salt, key, err := argon2id.DecodeHash(phc)
	if err != nil {
		return false
	}
	if params.Parallelism < 1 || params.Parallelism > maxParallelism || params.Iterations < 1 || params.Iterations > maxIterations {
		return false
	}
	if params.Memory < minMemoryPerLane*uint32(params.Parallelism) || params.Memory > maxMemory {
		return false
	}
	if len(salt) < minSaltLen || len(salt) > maxSaltLen || len(key) < minKeyLen || len(key) > maxKeyLen {
		return false
	}
	b64 := base64.RawStdEncoding
	return phc == fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, params.Memory, params.Iterations, params.Parallelism,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

// acquire waits for a turn; leave ends it.
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
