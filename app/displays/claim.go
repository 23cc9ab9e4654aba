package displays

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"strings"
	"time"

	"lintel/app/secret"
)

// keyBytes is the length of a display's key: 256 bits.
const keyBytes = 32

// newKey returns a fresh key and its hash. Only the hash is stored.
func newKey() (secret.Text, []byte) {
	var b [keyBytes]byte
	rand.Read(b[:])
	k := base64.RawURLEncoding.EncodeToString(b[:])
	h := hashKey(k)
	return secret.New(k), h[:]
}

// hashKey returns what is stored of a key and looked up.
func hashKey(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }

// claimAlphabet has no letters that are taken for digits or for each other, and no U, which makes words.
const claimAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

// newClaim returns a code to be read off the glass: 7F3K-92.
func newClaim() string {
	b := make([]byte, 0, 7)
	n := big.NewInt(int64(len(claimAlphabet)))
	for i := range 6 {
		if i == 4 {
			b = append(b, '-')
		}
		at, err := rand.Int(rand.Reader, n)
		if err != nil {
			panic(err) // crypto/rand never fails (it ends the process instead)
		}
		b = append(b, claimAlphabet[at.Int64()])
	}
	return string(b)
}

// readClaim brings a code that a person typed into the form in which it is stored; "" when it can't be a code. Case, blanks and
// dashes do not matter.
func readClaim(typed string) string {
	var b []byte
	for _, r := range strings.ToUpper(typed) {
		switch {
		case r == ' ' || r == '-' || r == '–' || r == '—' || r == '\t':
		case r < 128 && strings.ContainsRune(claimAlphabet, r) && len(b) < 6:
			b = append(b, byte(r))
		default:
			return ""
		}
	}
	if len(b) != 6 {
		return ""
	}
	return string(b[:4]) + "-" + string(b[4:])
}

// reenrolFor is how long an administrator lets a known device ask for a new key.
const reenrolFor = time.Hour
