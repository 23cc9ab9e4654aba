package ews

import (
	"strings"
	"testing"
	"time"
)

// A text in very many pieces, which only an attacker sends, is put together in a moment.
func TestDecodeManyPieces(t *testing.T) {
	t.Parallel()
	const pieces = 1_000_000
	start := time.Now()
	root, err := decode([]byte("<a>" + strings.Repeat("x<!---->", pieces) + "<b>y<!-- -->z</b>w</a>"))
	if err != nil || len(root.text) != pieces+1 || root.child("b").text != "yz" {
		t.Fatalf("%d bytes, %v", len(root.raw()), err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
