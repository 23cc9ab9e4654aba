package displays

import (
	"strings"

	"lintel/store"
)

// panelModel is what the firmware's model string says about a panel.
type panelModel struct {
	width, height int
	palette       store.DisplayPalette
	large         bool // has the memory for pictures beyond 90,000 bytes
}

// modelOf returns the panel of a TRMNL firmware model, for want of anything better the size of the original. Panels with four
// greys are used in black and white: greys cost them a full, flashing refresh. Headers with the panel's size win over this.
func modelOf(model string) panelModel {
	og := panelModel{width: 800, height: 480, palette: store.PaletteBW}
	switch strings.ToLower(model) {
	case "x", "reterminal_e1003":
		return panelModel{width: 1872, height: 1404, palette: store.PaletteGray16, large: true}
	case "paper_s3":
		return panelModel{width: 960, height: 540, palette: store.PaletteGray16}
	}
	return og
}

// Limits of a picture's file, in bytes: firmware for small chips fails silently beyond the first.
const (
	maxBytes      = 90_000
	maxBytesLarge = 750_000
)

// Limits of the size that a device may claim for its panel: the largest known is 2880×2160.
const (
	minSide   = 80
	maxSide   = 4096
	maxPixels = 8 << 20
)

// validSize reports whether a panel may have this size.
func validSize(w, h int) bool {
	return w >= minSide && h >= minSide && w <= maxSide && h <= maxSide && w*h <= maxPixels
}
