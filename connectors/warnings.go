package connectors

import (
	"cmp"
	"slices"
	"strings"
)

// Warnings counts warnings while a window is read.
type Warnings map[Warning]int // by Warning without Count

// maxWarnings bounds the different warnings of one read; further ones are counted without what was said.
const maxWarnings = 50

// Add counts n more.
func (w Warnings) Add(key, said string, n int) {
	k := Warning{Key: key, Said: said}
	if _, ok := w[k]; !ok && len(w) >= maxWarnings {
		k.Said = ""
	}
	w[k] += n
}

// List returns the warnings by key and what was said.
func (w Warnings) List() []Warning {
	var out []Warning
	for k, n := range w {
		k.Count = n
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Warning) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Said, b.Said))
	})
	return out
}
