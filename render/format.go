package render

import "fmt"

// Palette is the set of tones that a panel can show.
type Palette uint8

// The palettes. Colour panels will be further values.
const (
	BW1    Palette = iota // black and white, 1 bit a pixel
	Gray4                 // 4 greys, 2 bits
	Gray16                // 16 greys, 4 bits
)

// bits returns the bits of a pixel, 0 for an unknown palette.
func (p Palette) bits() int {
	switch p {
	case BW1:
		return 1
	case Gray4:
		return 2
	case Gray16:
		return 4
	}
	return 0
}

// Encoding is the file format of a picture.
type Encoding uint8

// The encodings.
const (
	PNG  Encoding = iota // true grey of the palette's bit depth
	BMP3                 // 1 bit, bottom-up; only with BW1
)

// Limits of a picture's side, in pixels.
const (
	MinSide = 80
	MaxSide = 4096
)

// Format says what the panel wants.
type Format struct {
	Width, Height int // of the picture as it is sent, in the panel's own pixels
	// Rotate turns the drawing clockwise by 0, 90, 180 or 270 degrees before it is sent. With 90 and 270 it is laid out for
	// Height×Width: a panel of 800×480 that hangs upright is Width 800, Height 480, Rotate 90 or 270.
	Rotate   int
	Palette  Palette
	Encoding Encoding
}

// Check reports what is wrong with the format, nil if nothing is.
func (f Format) Check() error {
	switch {
	case f.Width < MinSide || f.Height < MinSide || f.Width > MaxSide || f.Height > MaxSide:
		return fmt.Errorf("render: size %d×%d is outside %d to %d pixels", f.Width, f.Height, MinSide, MaxSide)
	case f.Rotate != 0 && f.Rotate != 90 && f.Rotate != 180 && f.Rotate != 270:
		return fmt.Errorf("render: rotation %d is not 0, 90, 180 or 270", f.Rotate)
	case f.Palette.bits() == 0:
		return fmt.Errorf("render: unknown palette %d", f.Palette)
	case f.Encoding != PNG && f.Encoding != BMP3:
		return fmt.Errorf("render: unknown encoding %d", f.Encoding)
	case f.Encoding == BMP3 && f.Palette != BW1:
		return fmt.Errorf("render: BMP holds black and white only")
	}
	return nil
}

// ContentType returns the media type of the encoding, without parameters: devices compare it as a whole.
func (e Encoding) ContentType() string {
	if e == BMP3 {
		return "image/bmp"
	}
	return "image/png"
}
