package displays

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"lintel/render"
	"lintel/store"
)

// Picture is a finished picture. Nobody changes it or its bytes.
type Picture struct {
	Bytes         []byte
	ContentType   string // without parameters
	Hash          [sha256.Size]byte
	ETag          string // strong, with its quotes
	Filename      string // same picture, same name: screen-<6 hex of the hash>-<10 digits of the render time>
	RenderedAt    time.Time
	Width, Height int
}

func newPicture(p render.Picture, f render.Format, at time.Time) *Picture {
	return &Picture{
		Bytes: p.Bytes, ContentType: p.ContentType, Hash: p.Hash, RenderedAt: at, Width: f.Width, Height: f.Height,
		ETag:     `"` + hex.EncodeToString(p.Hash[:16]) + `"`,
		Filename: fmt.Sprintf("screen-%x-%010d", p.Hash[:3], at.Unix()),
	}
}

// formatOf returns the format of a display's pictures. What can't be is replaced by what is nearest.
func formatOf(row store.Display) render.Format {
	f := render.Format{Width: row.Width, Height: row.Height, Rotate: row.Rotation}
	if !validSize(f.Width, f.Height) {
		f.Width, f.Height = 800, 480
	}
	switch row.Palette {
	case store.PaletteGray4:
		f.Palette = render.Gray4
	case store.PaletteGray16:
		f.Palette = render.Gray16
	}
	if row.Encoding == store.EncodingBMP && f.Palette == render.BW1 {
		f.Encoding = render.BMP3
	}
	return f
}

// draw makes a display's picture from a scene, unless it is the one that it has. d.drawing is held. When drawing fails, the
// last good picture stays, and the answer is false.
func (s *Service) draw(d *display, row store.Display, scene render.Scene) bool {
	f := formatOf(row)
	key := scene.Key(f)
	d.mu.Lock()
	same := d.picture != nil && d.shown.key == key
	saved, unfit := d.saved, d.unfit == key
	d.mu.Unlock()
	if same || unfit {
		return same
	}
	drawn, err := s.drawWithin(scene, f, bytesOf(row))
	if err != nil {
		s.o.Log.Error("draw picture", "display", string(d.id), "err", err)
		if scene.Template == render.Custom { // it is not tried at every look
			d.mu.Lock()
			d.unfit = key
			d.mu.Unlock()
		}
		return false
	}
	s.drawn.Add(1)
	at := s.o.Now().UTC().Truncate(time.Second)
	if saved.Hash == drawn.Hash && !saved.RenderedAt.IsZero() {
		at = saved.RenderedAt // the same pixels keep their name
	}
	pic := newPicture(drawn, f, at)
	name := store.DisplayPicture{Display: d.id, Hash: pic.Hash, RenderedAt: at}
	if scene.Photo != nil {
		scene.Photo = scene.Photo.Bare()
	}
	d.mu.Lock()
	d.shown = shown{scene: scene, key: key}
	if d.picture != nil && d.picture.Hash != pic.Hash {
		d.previous = d.picture
	}
	d.picture, d.saved = pic, name
	d.mu.Unlock()
	if name != saved {
		s.queue.Lock()
		s.pictures[d.id] = name
		s.queue.Unlock()
	}
	s.o.Changed(d.id)
	return true
}

// bytesOf returns how large a display's picture may be.
func bytesOf(row store.Display) int {
	if row.Protocol == store.ProtocolTRMNL && !modelOf(row.Model).large {
		return maxBytes
	}
	return maxBytesLarge
}

// drawWithin draws with fewer greys, and at last in black and white, where the file would be too large for the device.
func (s *Service) drawWithin(scene render.Scene, f render.Format, limit int) (render.Picture, error) {
	for {
		p, err := s.o.Renderer.Draw(scene, f)
		switch {
		case err != nil || len(p.Bytes) <= limit:
			return p, err
		case f.Encoding == render.BMP3:
			f.Encoding = render.PNG
		case f.Palette == render.Gray16:
			f.Palette = render.Gray4
		case f.Palette == render.Gray4:
			f.Palette = render.BW1
		default:
			return p, fmt.Errorf("picture of %d×%d has %d bytes, the device takes %d", f.Width, f.Height, len(p.Bytes), limit)
		}
	}
}

// displayTag stands for a display in a picture's address.
type displayTag [8]byte

func tagOf(id store.DisplayID) displayTag {
	h := sha256.Sum256([]byte("picture of " + string(id)))
	return displayTag(h[:8])
}

// An address of a picture is: the display's tag, the start of the picture's hash, the end of its validity in Unix seconds, and a
// MAC of 128 bits over them. Nobody guesses one, and a restart changes none.
const (
	tokenPlain = 8 + 8 + 4
	tokenMAC   = 16
)

// pictureLasts is how long an address holds for a device that sleeps for wake: twice that, and at least an hour.
func pictureLasts(wake time.Duration) time.Duration { return max(2*wake, time.Hour) }

func (s *Service) token(tag displayTag, p *Picture, expires time.Time) string {
	b := make([]byte, 0, tokenPlain+tokenMAC)
	b = append(b, tag[:]...)
	b = append(b, p.Hash[:8]...)
	b = binary.BigEndian.AppendUint32(b, uint32(expires.Unix()))
	b = append(b, s.mac(b)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

func (s *Service) mac(plain []byte) []byte {
	m := hmac.New(sha256.New, []byte(s.tokenKey.Reveal()))
	_, _ = m.Write(plain) // a hash never fails
	return m.Sum(nil)[:tokenMAC]
}

// PictureAt returns the picture that an address names. When the display's picture has changed since, that is the one from
// before, or else the present one, which the device would be given next anyway. ok is false for what was never given out, has
// expired, or belongs to a display that is gone.
func (s *Service) PictureAt(token string) (p *Picture, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != tokenPlain+tokenMAC || !hmac.Equal(b[tokenPlain:], s.mac(b[:tokenPlain])) {
		return nil, false
	}
	if s.o.Now().Unix() > int64(binary.BigEndian.Uint32(b[16:tokenPlain])) {
		return nil, false
	}
	s.mu.RLock()
	d := s.byTag[displayTag(b[:8])]
	s.mu.RUnlock()
	if d == nil {
		return nil, false
	}
	s.ready(d)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.row.State == store.DisplayRefused || d.picture == nil {
		return nil, false
	}
	if d.previous != nil && bytes.Equal(b[8:16], d.previous.Hash[:8]) {
		return d.previous, true
	}
	return d.picture, true
}
