package displays

import (
	"testing"

	"lintel/store"
)

func TestModelName(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		"og": "TRMNL OG", "X": "TRMNL X", "reterminal_e1001": "Seeed reTerminal E1001", "reTerminal Sticky": "Seeed reTerminal Sticky",
		"sensoria_c5": "Sensoria C5", "": "", "homeplate": "homeplate",
	} {
		if got := ModelName(model); got != want {
			t.Errorf("%q is called %q, want %q", model, got, want)
		}
	}
}

func TestTakesBMP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		d    store.Display
		want bool
	}{
		{"the original", store.Display{Protocol: store.ProtocolTRMNL, Model: "og", Width: 800, Height: 480}, true},
		{"by its address alone", store.Display{Protocol: store.ProtocolURL, Width: 800, Height: 480}, true},
		{"large panel", store.Display{Protocol: store.ProtocolTRMNL, Model: "x", Width: 800, Height: 480}, false},
		{"too many pixels", store.Display{Protocol: store.ProtocolTRMNL, Width: 1024, Height: 768}, false},
		{"padded lines are counted", store.Display{Protocol: store.ProtocolTRMNL, Width: 801, Height: 890}, false},
		{"browser", store.Display{Protocol: store.ProtocolPanel, Width: 800, Height: 480}, false},
	} {
		if got := TakesBMP(c.d); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
