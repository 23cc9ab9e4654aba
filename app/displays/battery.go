package displays

import (
	"math"
	"strconv"
	"strings"
)

// Battery is what a display tells of its power, normalised.
type Battery struct {
	Known    bool // Percent was told, or follows from MV
	Percent  int  // 0 to 100
	MV       int  // 0 = unknown
	Mains    bool // it has no battery
	Charging bool
}

// ReadBattery makes one thing of what clients send: a percentage of its own, or a "voltage", which some fill with volts and
// some with percent; trmnl-display, which runs on mains power, always says 100.00. What can't be read is unknown.
func ReadBattery(percent, voltage, userAgent string) Battery {
	var b Battery
	if p, ok := finite(percent); ok && p >= 0 && p <= 100 {
		b.Known, b.Percent = true, int(math.Round(p))
	}
	v, ok := finite(voltage)
	switch {
	case !ok || v <= 0 || v > 100:
	case v <= 5.5:
		b.MV = int(math.Round(v * 1000))
		if !b.Known {
			b.Known, b.Percent = true, lithium(b.MV)
		}
	case v == 100 && strings.HasPrefix(userAgent, "trmnl-display/"):
		b = Battery{Mains: true}
	case !b.Known:
		b.Known, b.Percent = true, int(math.Round(v))
	}
	return b
}

// finite reads a decimal number; what is long, not a number or infinite is not ok.
func finite(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 16 || strings.ContainsAny(s, "xX_") {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// lithium returns the charge of a lithium-ion cell in percent by its voltage at rest: straight lines between measured points.
func lithium(mv int) int {
	curve := [...]struct{ mv, percent int }{
		{4150, 100}, {4080, 90}, {4020, 80}, {3950, 70}, {3870, 60}, {3840, 50}, {3800, 40}, {3770, 30}, {3730, 20}, {3690, 10}, {3610, 5}, {3300, 0},
	}
	if mv >= curve[0].mv {
		return 100
	}
	for i, low := range curve[1:] {
		if mv >= low.mv {
			high := curve[i]
			return low.percent + (mv-low.mv)*(high.percent-low.percent)/(high.mv-low.mv)
		}
	}
	return 0
}

// The battery counts as low from here down.
const lowPercent = 10

// charged is how much more a display has to tell before its battery counts as charged: what a radio draws and a cold night make
// a cell's voltage move by some percent, and a picture that says "battery low" must not come and go with it.
const charged = 8

// steady returns the percentage to believe after told, when known was believed before (-1: nothing was). It only falls, except
// when the battery was charged.
func steady(known, told int, charging bool) int {
	if known < 0 || told < known || charging || told >= known+charged {
		return told
	}
	return known
}

// low reports whether a percentage asks for a new battery.
func low(percent int) bool { return percent >= 0 && percent <= lowPercent }
