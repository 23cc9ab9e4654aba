package render

import (
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"github.com/golang/freetype/truetype"
)

// The embedded fonts carry TrueType hints, which golang/freetype executes: at one bit a pixel, unhinted text of 11 px loses
// its hyphens. They are read where they lie in the program, as pages of its file, and never written.
var (
	//go:embed fonts/NotoSans-Regular.ttf
	notoSansRegular []byte
	//go:embed fonts/NotoSans-Bold.ttf
	notoSansBold []byte
	//go:embed fonts/NotoSansArabic-Regular.ttf
	notoSansArabicRegular []byte
	//go:embed fonts/NotoSansArabic-Bold.ttf
	notoSansArabicBold []byte
	//go:embed fonts/NotoSansHebrew-Regular.ttf
	notoSansHebrewRegular []byte
	//go:embed fonts/NotoSansHebrew-Bold.ttf
	notoSansHebrewBold []byte
)

type embeddedFont struct {
	name string
	bold bool
	file []byte
}

// embedded lists the fonts of the program. Order matters: the first face that has a character draws it.
func embedded() []embeddedFont {
	return []embeddedFont{
		{"NotoSans-Regular.ttf", false, notoSansRegular},
		{"NotoSans-Bold.ttf", true, notoSansBold},
		{"NotoSansArabic-Regular.ttf", false, notoSansArabicRegular},
		{"NotoSansArabic-Bold.ttf", true, notoSansArabicBold},
		{"NotoSansHebrew-Regular.ttf", false, notoSansHebrewRegular},
		{"NotoSansHebrew-Bold.ttf", true, notoSansHebrewBold},
	}
}

// Limits of the optional font folder.
const (
	maxFontBytes = 64 << 20
	maxFontFiles = 16
)

// face is one font. Its parts are read-only and shared by all drawers.
type face struct {
	hinted *truetype.Font // nil for fonts of the folder: their outlines come from shaped, unhinted
	shaped *font.Font
	bold   bool
}

// The faces of plain Latin, Greek and Cyrillic text.
const (
	faceRegular = 0
	faceBold    = 1
)

// loadFaces parses the embedded fonts and those of dir, which may be empty. Only embedded fonts meet the TrueType parser of
// golang/freetype: it panics on broken files.
func loadFaces(dir string) ([]face, error) {
	var faces []face
	for _, e := range embedded() {
		tt, err := truetype.Parse(e.file)
		if err != nil {
			return nil, fmt.Errorf("render: parse %s: %w", e.name, err)
		}
		ot, err := shapingFont(e.file)
		if err != nil {
			return nil, fmt.Errorf("render: parse %s: %w", e.name, err)
		}
		faces = append(faces, face{hinted: tt, shaped: ot, bold: e.bold})
	}
	if dir == "" {
		return faces, nil
	}
	more, err := loadFolder(dir)
	if err != nil {
		return nil, err
	}
	return append(faces, more...), nil
}

// shapingFont parses of an embedded font what shaping reads: characters, advances and layout. The outlines, which the parser
// would unpack point by point, and the hints are the TrueType parser's; they are most of a font.
func shapingFont(file []byte) (*font.Font, error) {
	ld, err := opentype.NewLoader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var tables []opentype.Table
	for _, tag := range ld.Tables() {
		switch tag.String() {
		case "GDEF", "GPOS", "GSUB", "OS/2", "cmap", "head", "hhea", "hmtx", "kern", "maxp":
			content, err := ld.RawTable(tag)
			if err != nil {
				return nil, err
			}
			tables = append(tables, opentype.Table{Tag: tag, Content: content})
		}
	}
	parsed, err := font.ParseTTF(bytes.NewReader(opentype.WriteTTF(tables)))
	if err != nil {
		return nil, err
	}
	return parsed.Font, nil
}

// loadFolder parses the .ttf, .otf and .ttc files of a folder in the order of their names. Of a collection only the first
// font is taken: the others are regional variants of it.
func loadFolder(dir string) ([]face, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("render: read font folder: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".ttf", ".otf", ".ttc":
			return e.IsDir()
		}
		return true
	})
	if len(entries) > maxFontFiles {
		return nil, fmt.Errorf("render: font folder %s holds %d fonts, more than %d", dir, len(entries), maxFontFiles)
	}
	var faces []face
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("render: read font: %w", err)
		}
		if info.Size() > maxFontBytes {
			return nil, fmt.Errorf("render: font %s is larger than %d MB", path, maxFontBytes>>20)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("render: read font: %w", err)
		}
		parsed, err := font.ParseTTC(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("render: parse font %s: %w", path, err)
		}
		if len(parsed) == 0 {
			return nil, fmt.Errorf("render: font %s is empty", path)
		}
		ot := parsed[0].Font
		faces = append(faces, face{shaped: ot, bold: ot.Describe().Aspect.Weight >= font.WeightSemibold})
	}
	return faces, nil
}
