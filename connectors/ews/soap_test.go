package ews

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// A burst of notifications comes in one long envelope; what has no end is given up.
func TestSplitLong(t *testing.T) {
	t.Parallel()
	long := "<Envelope>" + strings.Repeat("<t:ModifiedEvent/>", 200_000) + "</Envelope>"
	s := &splitter{in: strings.NewReader(long + "<Envelope/></Envelope>")}
	if doc, err := s.next(); err != nil || string(doc) != long {
		t.Errorf("%d bytes, %v", len(doc), err)
	}
	if doc, err := s.next(); err != nil || string(doc) != "<Envelope/></Envelope>" {
		t.Errorf("%q, %v", doc, err)
	}
	read := 0
	s = &splitter{in: readerFunc(func(p []byte) (int, error) { read += len(p); return copy(p, strings.Repeat("<a>", len(p)/3+1)), nil })}
	if _, err := s.next(); !errors.Is(err, errLong) || read > maxEnvelope+1<<20 {
		t.Errorf("after %d bytes: %v", read, err)
	}
	s = &splitter{in: strings.NewReader("<Envelope>")}
	if _, err := s.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
