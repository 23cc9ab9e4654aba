package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of a master key in bytes (AES-256).
const KeySize = 32

// sealed layout: version byte, 4 bytes of key id, AES-GCM nonce and ciphertext.
const (
	boxVersion = 1
	headerSize = 1 + 4
)

// Errors of Open.
var (
	ErrKey     = errors.New("sealed with another key")
	ErrCorrupt = errors.New("sealed value is damaged or was moved to another place")
)

// Box seals and opens values with AES-256-GCM. It is safe for concurrent use.
type Box struct {
	id   [4]byte
	aead cipher.AEAD
}

// NewKey returns a random master key.
func NewKey() []byte {
	k := make([]byte, KeySize)
	rand.Read(k) // never fails (crypto/rand)
	return k
}

// EncodeKey writes a key as one line for a key file.
func EncodeKey(key []byte) string { return base64.StdEncoding.EncodeToString(key) + "\n" }

// DecodeKey reads what EncodeKey wrote; white space around it does not matter.
func DecodeKey(s string) ([]byte, error) {
	k, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil || len(k) != KeySize {
		return nil, fmt.Errorf("read master key: want %d bytes in base64", KeySize)
	}
	return k, nil
}

// NewBox returns a Box for a key of KeySize bytes.
func NewBox(key []byte) (*Box, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("make box: the key has %d bytes, want %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make box: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make box: %w", err)
	}
	sum := sha256.Sum256(append([]byte("lintel key id\x00"), key...))
	b := &Box{aead: aead}
	copy(b.id[:], sum[:])
	return b, nil
}

// Place names where a sealed value lives. It is bound to the value: a sealed value that is copied
// to another row does not open there.
type Place struct{ Table, Column, Row string }

func (p Place) bytes() []byte {
	return []byte(p.Table + "\x00" + p.Column + "\x00" + p.Row)
}

// Seal returns plain encrypted for p. Nil stays nil.
func (b *Box) Seal(p Place, plain []byte) []byte {
	if plain == nil {
		return nil
	}
	out := make([]byte, 0, headerSize+len(plain)+b.aead.Overhead())
	out = append(out, boxVersion)
	out = append(out, b.id[:]...)
	return b.aead.Seal(out, nil, plain, p.bytes())
}

// Open returns what Seal was given for the same place. Nil stays nil. The error is ErrKey or
// ErrCorrupt.
func (b *Box) Open(p Place, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	if len(sealed) < headerSize || sealed[0] != boxVersion {
		return nil, ErrCorrupt
	}
	if [4]byte(sealed[1:headerSize]) != b.id {
		return nil, ErrKey
	}
	plain, err := b.aead.Open(nil, nil, sealed[headerSize:], p.bytes())
	if err != nil {
		return nil, ErrCorrupt
	}
	if plain == nil {
		plain = []byte{}
	}
	return plain, nil
}
