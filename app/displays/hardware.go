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

// ModelName returns what a model is called that a device names by a short word; a word that is not known stays as it is.
func ModelName(model string) string {
	switch strings.ToLower(model) {
	case "og":
		return "TRMNL OG"
	case "og_gen2", "gen-2":
		return "TRMNL OG 2"
	case "x":
		return "TRMNL X"
	case "lilygo":
		return "LilyGO"
	case "paper_s3":
		return "M5Stack PaperS3"
	case "waveshare":
		return "Waveshare"
	case "waveshare_397":
		return "Waveshare 3.97″"
	case "seeed_esp32c3":
		return "Seeed XIAO ESP32-C3"
	case "seeed_esp32s3":
		return "Seeed XIAO ESP32-S3"
	case "xiao_epaper_display":
		return "Seeed XIAO ePaper"
	case "reterminal_e1001", "reterminal_e1002", "reterminal_e1003":
		return "Seeed reTerminal " + strings.ToUpper(model[len("reterminal_"):])
	case "reterminal sticky":
		return "Seeed reTerminal Sticky"
	case "xteink_x4":
		return "Xteink X4"
	case "sensoria_c5", "sensoria_s3":
		return "Sensoria " + strings.ToUpper(model[len("sensoria_"):])
	}
	return model
}

// TakesBMP reports whether a display can be sent BMP files: firmware for large panels draws none, and an uncompressed
// picture has to fit into the memory of the others.
func TakesBMP(d store.Display) bool {
	const header = 62 // of a BMP file with two colours
	line := (d.Width + 31) / 32 * 4
	return d.Protocol != store.ProtocolPanel && !modelOf(d.Model).large && header+line*d.Height <= maxBytes
}
