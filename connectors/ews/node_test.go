package ews

import (
	"runtime"
	"strings"
	"testing"
)

// A text in very many pieces, which only an attacker sends, is put together without copying it for each piece. It runs alone, as it
// counts what the whole program allocates.
func TestDecodeManyPieces(t *testing.T) {
	const pieces = 100_000
	message := []byte("<a>" + strings.Repeat("x<!---->", pieces) + "<b>y<!-- -->z</b>w</a>")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	root, err := decode(message)
	runtime.ReadMemStats(&after)
	if err != nil || len(root.text) != pieces+1 || root.child("b").text != "yz" {
		t.Fatalf("%d bytes, %v", len(root.raw()), err)
	}
	const copied = pieces * pieces / 2 // bytes, if each piece were added to a copy of those before it
	if got := after.TotalAlloc - before.TotalAlloc; got > copied/10 {
		t.Errorf("%d bytes were allocated", got)
	} else {
		t.Logf("%d MB were allocated", got>>20)
	}
}
