package displays

import (
	"unicode/utf8"

	"lintel/app/problem"
	"lintel/store"
	"lintel/templates/text"
)

// Settings are what an administrator decides about a display.
type Settings struct {
	Name          string
	Workspace     store.WorkspaceID // "" = none yet
	Language      string            // "" = the building's
	Template      store.DisplayTemplate
	Width, Height int // of the panel; a device that tells its own size is believed
	Palette       store.DisplayPalette
	Encoding      store.DisplayEncoding
	Rotation      int
	SoonMinutes   int  // 0 = never says soon
	Mains         bool // it has mains power, and polls each minute
	ShowImage     bool // a picture that is attached to the meeting is shown in place of the agenda
}

// SettingsOf returns the settings of a row.
func SettingsOf(d store.Display) Settings {
	return Settings{
		Name: d.Name, Workspace: d.Workspace, Language: d.Language, Template: d.Template, Width: d.Width, Height: d.Height,
		Palette: d.Palette, Encoding: d.Encoding, Rotation: d.Rotation, SoonMinutes: d.SoonMinutes, Mains: d.Mains, ShowImage: d.ShowImage,
	}
}

func (c Settings) into(d *store.Display) {
	d.Name, d.Workspace, d.Language, d.Template, d.Width, d.Height = c.Name, c.Workspace, c.Language, c.Template, c.Width, c.Height
	d.Palette, d.Encoding, d.Rotation, d.SoonMinutes, d.Mains, d.ShowImage = c.Palette, c.Encoding, c.Rotation, c.SoonMinutes, c.Mains, c.ShowImage
}

const (
	maxName = 80 // characters
	maxSoon = 60 // minutes
)

// check returns a problem that blames the first field that can't be.
func (c Settings) check() error {
	switch {
	case utf8.RuneCountInString(c.Name) > maxName:
		return problem.Field("name", "display.name_long")
	case c.Language != "" && !text.Lang(c.Language).Known():
		return problem.Field("language", "display.setting_wrong")
	case c.Template != store.TemplateDay && c.Template != store.TemplateWeek:
		return problem.Field("template", "display.setting_wrong")
	case !validSize(c.Width, c.Height):
		return problem.Field("width", "display.size_wrong")
	case c.Palette != store.PaletteBW && c.Palette != store.PaletteGray4 && c.Palette != store.PaletteGray16:
		return problem.Field("palette", "display.setting_wrong")
	case c.Encoding != store.EncodingPNG && c.Encoding != store.EncodingBMP:
		return problem.Field("encoding", "display.setting_wrong")
	case c.Encoding == store.EncodingBMP && c.Palette != store.PaletteBW:
		return problem.Field("encoding", "display.format_wrong")
	case c.Rotation != 0 && c.Rotation != 90 && c.Rotation != 180 && c.Rotation != 270:
		return problem.Field("rotation", "display.setting_wrong")
	case c.SoonMinutes < 0 || c.SoonMinutes > maxSoon:
		return problem.Field("soon_minutes", "display.soon_wrong")
	}
	return nil
}
