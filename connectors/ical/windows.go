package ical

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
	"time"
)

// windowszones.txt is derived from Unicode CLDR (windowszones.LICENSE); gen_windows.go makes it.
//
//go:embed windowszones.txt
var windowsZonesText string

//go:embed displaynames.txt
var displayNamesText string

// names is what the two embedded lists say; keys are lower case.
type names struct {
	windows map[string]string // "w. europe standard time" → Europe/Berlin
	display map[string]string // "eastern time (us & canada)" → America/New_York
	city    map[string]string // "new york" → America/New_York
	zone    map[string]string // "america/new_york" → America/New_York
}

// zoneNames reads the embedded lists once; nobody writes to the maps afterwards.
var zoneNames = sync.OnceValue(func() names {
	n := names{
		windows: make(map[string]string, 140), display: make(map[string]string, 100),
		city: make(map[string]string, 450), zone: make(map[string]string, 450),
	}
	for line := range strings.Lines(windowsZonesText) {
		f := strings.Split(strings.TrimSpace(line), ";")
		if strings.HasPrefix(line, "#") || len(f) != 3 {
			continue
		}
		n.windows[strings.ToLower(f[0])] = f[1]
		for _, z := range append(strings.Fields(f[2]), f[1]) {
			low := strings.ToLower(z)
			n.zone[low] = z
			n.city[strings.ReplaceAll(low[strings.LastIndexByte(low, '/')+1:], "_", " ")] = z
		}
	}
	for line := range strings.Lines(displayNamesText) {
		if name, z, ok := strings.Cut(strings.TrimSpace(line), ";"); ok && !strings.HasPrefix(line, "#") {
			n.display[name] = z
		}
	}
	return n
})

// ResolveZone returns the zone that a name means by itself: an IANA name in any case, one behind a known
// prefix, a Windows name, or what Outlook shows for it, "(UTC+01:00) Amsterdam, Berlin, …". It returns
// nil when the name alone does not say; "" and "Local" never do.
func ResolveZone(name string) *time.Location {
	name = strings.TrimSpace(strings.Trim(strings.ReplaceAll(name, `\`, ""), `"' `))
	if name == "" || len(name) > 200 {
		return nil
	}
	if z := ianaZone(name); z != nil {
		return z
	}
	if z := windowsZone(name); z != nil {
		return z
	}
	// Outlook numbers copies: "W. Europe Standard Time 1".
	if i := strings.LastIndexByte(name, ' '); i > 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			if z := windowsZone(name[:i]); z != nil {
				return z
			}
			if z := ianaZone(name[:i]); z != nil {
				return z
			}
		}
	}
	return displayZone(name, true)
}

func windowsZone(name string) *time.Location {
	n := zoneNames()
	low := strings.ToLower(name)
	if z, ok := n.windows[low]; ok {
		return loadZone(z)
	}
	if z, ok := n.display[low]; ok {
		return loadZone(z)
	}
	return nil
}

// ianaZone tries the name, then what follows each slash: /mozilla.org/20070129_1/Europe/Berlin,
// /freeassociation.sourceforge.net/Tzfile/Europe/Berlin, posix/Europe/Berlin.
func ianaZone(name string) *time.Location {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "posix/"), "right/")
	for rest := strings.TrimLeft(name, "/"); ; {
		if z := oneZone(rest, rest == name || strings.Contains(rest, "/")); z != nil {
			return z
		}
		_, after, ok := strings.Cut(rest, "/")
		if !ok {
			return nil
		}
		rest = after
	}
}

// oneZone finds a name in any case. Names without a slash count only when whole is set: "x/Eastern/EST"
// should not become a zone by its last word.
func oneZone(name string, whole bool) *time.Location {
	if !whole || name == "" {
		return nil
	}
	name = strings.ReplaceAll(name, " ", "_")
	if z, ok := zoneNames().zone[strings.ToLower(name)]; ok {
		return loadZone(z)
	}
	if z := loadZone(name); z != nil {
		return z
	}
	if z := loadZone(titleCase(name)); z != nil {
		return z
	}
	return loadZone(strings.ToUpper(name))
}

// loadZone is time.LoadLocation without its surprises: no "", no "Local", nothing that is not a name.
func loadZone(name string) *time.Location {
	if name == "" || len(name) > 64 || strings.EqualFold(name, "local") {
		return nil
	}
	for i := range len(name) {
		c := name[i]
		ok := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_+-/", c) >= 0
		if !ok {
			return nil
		}
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return z
}

// titleCase spells europe/isle_of_man as IANA does: Europe/Isle_of_Man.
func titleCase(s string) string {
	b := []byte(strings.ToLower(s))
	start := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && strings.IndexByte("/_-", b[i]) < 0 {
			continue
		}
		word := string(b[start:i])
		if word == "us" || word == "utc" || strings.HasPrefix(word, "gmt") {
			copy(b[start:], strings.ToUpper(word))
		}
		if word != "" && (start == 0 || word != "of" && word != "es" && word != "au" || b[start-1] == '/') {
			b[start] = upper(b[start])
		}
		start = i + 1
	}
	return string(b)
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// displayZone reads "(UTC+01:00) Amsterdam, Berlin, …" or the list of cities alone. With strict set a
// zone counts only when its offset is the one in the brackets, in winter or summer.
func displayZone(name string, strict bool) *time.Location {
	offset, cities, stated := cutOffset(name)
	cities = strings.TrimSpace(plainLatin(strings.ToLower(cities)))
	cities = strings.ReplaceAll(cities, " and canada", " & canada")
	if cities == "" {
		if stated && offset == 0 {
			return loadZone("Etc/UTC")
		}
		return nil
	}
	n := zoneNames()
	try := func(key string) *time.Location {
		zone, ok := n.display[key]
		if !ok {
			zone, ok = n.city[key]
		}
		if !ok {
			return nil
		}
		z := loadZone(zone)
		if z == nil || strict && stated && !hasOffset(z, offset) {
			return nil
		}
		return z
	}
	if z := try(cities); z != nil {
		return z
	}
	if !stated && !strings.Contains(cities, ",") {
		return nil // one word alone, "Eastern", is too little
	}
	_, cities, _ = cutLabel(cities)
	for city := range strings.SplitSeq(cities, ",") {
		if z := try(strings.TrimSpace(city)); z != nil {
			return z
		}
	}
	return nil
}

// cutLabel drops what older names put before the cities: "Greenwich Mean Time : Dublin, Edinburgh".
func cutLabel(s string) (label, rest string, found bool) {
	if i := strings.Index(s, " : "); i >= 0 {
		return s[:i], s[i+3:], true
	}
	return "", s, false
}

// cutOffset splits "(UTC+01:00) Rest", "(GMT-3) Rest", "UTC+11" or "(UTC) Rest"; stated is false when
// there is no such beginning. offset is in seconds east.
func cutOffset(s string) (offset int, rest string, stated bool) {
	t := strings.TrimLeft(s, "( ")
	if len(t) < 3 || !strings.EqualFold(t[:3], "UTC") && !strings.EqualFold(t[:3], "GMT") {
		return 0, s, false
	}
	t = strings.TrimLeft(t[3:], " ")
	sign := 0
	switch {
	case strings.HasPrefix(t, "+"):
		sign = 1
	case strings.HasPrefix(t, "-"), strings.HasPrefix(t, "\u2212"):
		sign = -1
	}
	if sign == 0 {
		if t != "" && t[0] != ')' {
			return 0, s, false
		}
		return 0, strings.TrimLeft(t, ") "), true
	}
	t = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(t, "+"), "-"), "\u2212")
	end := 0
	for end < len(t) && (t[end] >= '0' && t[end] <= '9' || t[end] == ':') {
		end++
	}
	h, m, ok := hoursMinutes(t[:end])
	if !ok {
		return 0, s, false
	}
	return sign * (h*3600 + m*60), strings.TrimLeft(t[end:], ") "), true
}

func hoursMinutes(s string) (h, m int, ok bool) {
	hh, mm, colon := strings.Cut(s, ":")
	if !colon && len(s) > 2 {
		hh, mm = s[:len(s)-2], s[len(s)-2:]
	}
	h, err := strconv.Atoi(hh)
	if err == nil && mm != "" {
		m, err = strconv.Atoi(mm)
	}
	return h, m, err == nil && h <= 15 && m < 60
}

func hasOffset(z *time.Location, offset int) bool {
	for _, month := range []time.Month{time.January, time.July} {
		if _, o := time.Date(2026, month, 15, 12, 0, 0, 0, time.UTC).In(z).Zone(); o == offset {
			return true
		}
	}
	return false
}

// plainLatin drops the accents that occur in names of cities; s is lower case.
func plainLatin(s string) string {
	return strings.NewReplacer("á", "a", "à", "a", "ã", "a", "ä", "a", "é", "e", "è", "e", "ê", "e", "í", "i",
		"ó", "o", "ô", "o", "ö", "o", "õ", "o", "ú", "u", "ü", "u", "ç", "c", "ñ", "n").Replace(s)
}
