package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// params are the costs of argon2id (RFC 9106).
type params struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// present is what new hashes cost; older ones are made anew at the next sign-in. 19 MiB, two passes and one
// lane are the least that OWASP's password storage advice accepts, so that a burst of sign-ins stays small.
func present() params { return params{memory: 19 * 1024, time: 2, threads: 1} }

const (
	saltSize = 16
	hashSize = 32
)

// phc is a password hash as the PHC string format writes it:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>, base64 without padding.
type phc struct {
	params
	salt, hash []byte
}

var errPHC = errors.New("parse password hash: not an argon2id string of known costs")

// parsePHC accepts only what String writes, within bounds that keep one check affordable.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return phc{}, errPHC
	}
	var p phc
	var version int
	n, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &p.memory, &p.time, &p.threads)
	if err != nil || n != 4 || version != argon2.Version {
		return phc{}, errPHC
	}
	enc := base64.RawStdEncoding.Strict()
	var errSalt, errHash error
	p.salt, errSalt = enc.DecodeString(parts[4])
	p.hash, errHash = enc.DecodeString(parts[5])
	ok := errSalt == nil && errHash == nil &&
		p.memory >= 8 && p.memory <= 256*1024 && p.time >= 1 && p.time <= 16 && p.threads >= 1 && p.threads <= 16 &&
		len(p.salt) >= 8 && len(p.salt) <= 64 && len(p.hash) >= 16 && len(p.hash) <= 64
	if !ok || p.String() != s {
		return phc{}, errPHC
	}
	return p, nil
}

// String writes the PHC string.
func (p phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.threads,
		enc.EncodeToString(p.salt), enc.EncodeToString(p.hash))
}

// hasher computes at most a few hashes at a time: each holds 19 MiB, so an unbounded crowd of sign-ins
// would take the memory of the house.
type hasher struct {
	gate chan struct{}
	cost params // of new hashes
}

func newHasher(atOnce int) hasher { return hasher{make(chan struct{}, max(1, atOnce)), present()} }

// sum waits for its turn; the error is the context's.
func (h hasher) sum(ctx context.Context, password string, p params, salt []byte, size int) ([]byte, error) {
	select {
	case h.gate <- struct{}{}:
		defer func() { <-h.gate }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the password check: %w", ctx.Err())
	}
	// The same letters typed on different systems are the same password (RFC 8265, 4.2.1).
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, p.time, p.memory, p.threads, uint32(size)), nil
}

// make returns the PHC string of a password with a fresh salt.
func (h hasher) make(ctx context.Context, password string) (string, error) {
	p := phc{params: h.cost, salt: make([]byte, saltSize)}
	rand.Read(p.salt)
	var err error
	if p.hash, err = h.sum(ctx, password, p.params, p.salt, hashSize); err != nil {
		return "", err
	}
	return p.String(), nil
}

// check reports whether a password is right, and whether its hash should be made anew because its costs
// are not those of new hashes. A damaged string takes as long as a good one and is wrong.
func (h hasher) check(ctx context.Context, password, stored string) (ok, stale bool, err error) {
	p, errParse := parsePHC(stored)
	if errParse != nil {
		p = phc{params: h.cost, salt: make([]byte, saltSize), hash: make([]byte, hashSize)}
	}
	sum, err := h.sum(ctx, password, p.params, p.salt, len(p.hash))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(sum, p.hash) == 1 && errParse == nil
	return ok, ok && p.params != h.cost, nil
}
