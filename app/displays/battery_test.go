package displays

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestReadBattery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, percent, voltage, agent string
		want                          Battery
	}{
		{"nothing", "", "", "", Battery{}},
		{"volts, full", "", "4.20", "ESP32HTTPClient", Battery{Known: true, Percent: 100, MV: 4200}},
		{"volts, half", "", "3.84", "", Battery{Known: true, Percent: 50, MV: 3840}},
		{"volts, between two points", "", "3.71", "", Battery{Known: true, Percent: 15, MV: 3710}},
		{"volts, empty", "", "3.00", "", Battery{Known: true, Percent: 0, MV: 3000}},
		{"a Kobo's volts", "", "4.195", "", Battery{Known: true, Percent: 100, MV: 4195}},
		{"percent in the voltage", "", "87", "", Battery{Known: true, Percent: 87}},
		{"100 in the voltage of a Kindle", "", "100", "trmnl-kindle/0.1.1", Battery{Known: true, Percent: 100}},
		{"trmnl-display is on mains", "", "100.00", "trmnl-display/0.1.1", Battery{Mains: true}},
		{"percent beats the voltage", "42", "4.15", "", Battery{Known: true, Percent: 42, MV: 4150}},
		{"percent with decimals", "41.6", "", "", Battery{Known: true, Percent: 42}},
		{"percent of zero", "0", "", "", Battery{Known: true}},
		{"percent beyond 100", "120", "", "", Battery{}},
		{"millivolts by mistake", "", "3700", "", Battery{}},
		{"negative", "-1", "-3.7", "", Battery{}},
		{"words", "full", "n/a", "", Battery{}},
		{"not a number", "NaN", "Inf", "", Battery{}},
		{"hexadecimal", "0x1p4", "0x1p2", "", Battery{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := ReadBattery(c.percent, c.voltage, c.agent); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzReadBattery(f *testing.F) {
	f.Add("87", "4.05", "trmnl-display/0.1.1")
	f.Add("1e300", "-0", "x")
	f.Fuzz(func(t *testing.T, percent, voltage, agent string) {
		b := ReadBattery(percent, voltage, agent)
		if b.Percent < 0 || b.Percent > 100 || b.MV < 0 || b.MV > 5500 || b.Mains && b.Known {
			t.Errorf("ReadBattery(%q, %q, %q) = %+v", percent, voltage, agent, b)
		}
	})
}

func TestLithiumNeverRisesAsTheVoltageFalls(t *testing.T) {
	t.Parallel()
	last := 100
	for mv := 5000; mv > 2500; mv-- {
		p := lithium(mv)
		if p > last || p < 0 {
			t.Fatalf("%d mV is %d %% after %d %%", mv, p, last)
		}
		last = p
	}
	if last != 0 {
		t.Errorf("an empty cell has %d %%", last)
	}
}

// A voltage that moves a little must not make "battery low" come and go: each time costs a refresh.
func TestSteadyDoesNotFlicker(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		known, changes, was := -1, 0, false
		level := 30
		for i := range 200 {
			level -= i % 2 * rapid.IntRange(0, 1).Draw(rt, "drain")
			told := max(0, level+rapid.IntRange(-3, 3).Draw(rt, "noise"))
			known = steady(known, told, false)
			if is := low(known); is != was {
				was = is
				changes++
			}
		}
		if changes > 1 {
			rt.Fatalf("low changed %d times", changes)
		}
	})
	if got := steady(5, 95, false); got != 95 {
		t.Errorf("a new battery shows %d", got)
	}
	if got := steady(50, 52, true); got != 52 {
		t.Errorf("a charging battery shows %d", got)
	}
}

func TestModelOf(t *testing.T) {
	t.Parallel()
	for _, m := range []string{
		"og", "og_gen2", "x", "lilygo", "paper_s3", "gen-2", "waveshare", "waveshare_397", "seeed_esp32c3", "seeed_esp32s3",
		"xiao_epaper_display", "reterminal_e1001", "reterminal_e1002", "reterminal_e1003", "reTerminal Sticky", "xteink_x4", "sensoria_c5", "sensoria_s3", "",
		strconv.Itoa(1 << 40),
	} {
		if p := modelOf(m); !validSize(p.width, p.height) || p.palette == "" {
			t.Errorf("%q is %+v", m, p)
		}
	}
	if p := modelOf("x"); p.width != 1872 || p.height != 1404 || !p.large {
		t.Errorf("x is %+v", p)
	}
}
