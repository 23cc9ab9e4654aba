package text

import (
	"strings"
	"time"

	"github.com/go-playground/locales"
	"github.com/nicksnyder/go-i18n/v2/i18n"
)

// Printer says things in one language. Get one from For; it never changes and may be shared.
type Printer struct {
	lang  Lang
	texts *i18n.Localizer
	cldr  locales.Translator
}

// Lang is the language that the printer speaks, fit for an HTML lang attribute.
func (p *Printer) Lang() Lang { return p.lang }

// T returns the text of a key. args are the placeholders' names and values in turn: T("time.ago", "Duration", "25 min").
// A key without a text is returned as it is, so that a page still renders; a test finds such keys.
func (p *Printer) T(key string, args ...any) string {
	return p.say(&i18n.LocalizeConfig{MessageID: key, TemplateData: pairs(args)})
}

// N returns the text of a key in the plural form for n. The placeholder {{.Count}} holds n as the language writes it.
func (p *Printer) N(key string, n int, args ...any) string {
	data := pairs(args)
	data["Count"] = p.Number(n)
	return p.say(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: n})
}

func (p *Printer) say(c *i18n.LocalizeConfig) string {
	if said, _ := p.texts.Localize(c); said != "" {
		return said // an error beside a text means that English or the plural "other" stepped in
	}
	return c.MessageID
}

func pairs(args []any) map[string]any {
	data := make(map[string]any, len(args)/2+1)
	for i := 0; i+1 < len(args); i += 2 {
		if name, ok := args[i].(string); ok {
			data[name] = args[i+1]
		}
	}
	return data
}

// The functions below print t in its own location: give it in the building's zone.

// Clock prints the time of day: 14:05.
func (p *Printer) Clock(t time.Time) string { return t.Format("15:04") }

// Span prints a time of day from and to: 14:15 – 15:15.
func (p *Printer) Span(from, to time.Time) string { return p.Clock(from) + " – " + p.Clock(to) }

// Date prints a date with its year in short: 21 Nov 2026.
func (p *Printer) Date(t time.Time) string { return p.cldr.FmtDateMedium(t) }

// DateTime prints Date and Clock.
func (p *Printer) DateTime(t time.Time) string { return p.Date(t) + ", " + p.Clock(t) }

// DateShort prints a date of this season: Sat 21 Nov.
func (p *Printer) DateShort(t time.Time) string {
	return p.T("time.date_short", "Weekday", p.cldr.WeekdayAbbreviated(t.Weekday()), "Day", t.Day(), "Month", p.cldr.MonthAbbreviated(t.Month()))
}

// DateLong prints a date of this season in full words: Saturday 21 November.
func (p *Printer) DateLong(t time.Time) string {
	return p.T("time.date_long", "Weekday", p.cldr.WeekdayWide(t.Weekday()), "Day", t.Day(), "Month", p.cldr.MonthWide(t.Month()))
}

// DateShortSeen prints DateShort as seen at now: with its year when that is not now's, as with a zero now.
func (p *Printer) DateShortSeen(t, now time.Time) string {
	if t.Year() == now.Year() {
		return p.DateShort(t)
	}
	return p.T("time.date_short_year", "Weekday", p.cldr.WeekdayAbbreviated(t.Weekday()), "Day", t.Day(), "Month", p.cldr.MonthAbbreviated(t.Month()), "Year", t.Year())
}

// DateLongSeen prints DateLong as seen at now: with its year when that is not now's, as with a zero now.
func (p *Printer) DateLongSeen(t, now time.Time) string {
	if t.Year() == now.Year() {
		return p.DateLong(t)
	}
	return p.T("time.date_long_year", "Weekday", p.cldr.WeekdayWide(t.Weekday()), "Day", t.Day(), "Month", p.cldr.MonthWide(t.Month()), "Year", t.Year())
}

// Month prints a month with its year: November 2026.
func (p *Printer) Month(t time.Time) string {
	return p.T("time.month", "Month", p.cldr.MonthWide(t.Month()), "Year", t.Year())
}

// Weekday prints the name of a day of the week: Saturday.
func (p *Printer) Weekday(d time.Weekday) string { return p.cldr.WeekdayWide(d) }

// WeekdayShort prints the abbreviation of a day of the week: Sat.
func (p *Printer) WeekdayShort(d time.Weekday) string { return p.cldr.WeekdayAbbreviated(d) }

// Ago prints how long ago something was, for d ≥ 0, in its largest unit: 25 min ago. Below 5 s it is "just now".
func (p *Printer) Ago(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return p.T("time.just_now")
	case d >= day:
		return p.N("time.ago_days", int(d/day))
	}
	return p.T("time.ago", "Duration", p.coarse(d))
}

// In prints how soon something will be, for d ≥ 0, in its largest unit: in 25 min. Below 5 s it is "now".
func (p *Printer) In(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return p.T("time.now")
	case d >= day:
		return p.N("time.in_days", int(d/day))
	}
	return p.T("time.in", "Duration", p.coarse(d))
}

// day is 24 hours: lengths of time here are elapsed time, not dates.
const day = 24 * time.Hour

// coarse prints a d below a day in its largest unit alone, cut off.
func (p *Printer) coarse(d time.Duration) string {
	switch {
	case d < time.Minute:
		return p.N("time.seconds", int(d/time.Second))
	case d < time.Hour:
		return p.N("time.minutes", int(d/time.Minute))
	}
	return p.N("time.hours", int(d/time.Hour))
}

// Duration prints a length of time for d ≥ 0 to the minute, to the second below one, and to the millisecond below that:
// 1 h 30 min, 25 min, 20 s, 38 ms.
func (p *Printer) Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return p.N("time.milliseconds", int(d/time.Millisecond))
	case d < time.Minute:
		return p.N("time.seconds", int(d/time.Second))
	}
	var parts []string
	if days := int(d / day); days > 0 {
		parts = append(parts, p.N("time.days", days))
		d -= time.Duration(days) * day
	}
	if hours := int(d / time.Hour); hours > 0 {
		parts = append(parts, p.N("time.hours", hours))
		d -= time.Duration(hours) * time.Hour
	}
	if minutes := int(d / time.Minute); minutes > 0 {
		parts = append(parts, p.N("time.minutes", minutes))
	}
	return strings.Join(parts, " ")
}

// Number prints a whole number with its thousands apart: 1,240.
func (p *Printer) Number(n int) string { return p.cldr.FmtNumber(float64(n), 0) }

// Decimal prints a number with a fixed count of decimals: 22.4.
func (p *Printer) Decimal(x float64, decimals int) string {
	return p.cldr.FmtNumber(x, uint64(max(decimals, 0)))
}

// Percent prints a share that is given in percent: 87 %.
func (p *Printer) Percent(n int) string { return p.T("time.percent", "Number", p.Number(n)) }

// Bytes prints a size in powers of 1000 (SI): 640 B, 4 kB, 1.2 MB.
func (p *Printer) Bytes(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	size, unit := float64(n), 0
	for size >= 999.5 && unit < len(units)-1 {
		size /= 1000
		unit++
	}
	decimals := 0
	if unit >= 2 && size < 99.95 {
		decimals = 1
	}
	return p.Decimal(size, decimals) + " " + units[unit]
}

// Join prints a list as words: "Mon, Tue, Wed".
func (p *Printer) Join(items []string) string { return strings.Join(items, ", ") }

// Name is the language's own name for itself: Deutsch.
func (l Lang) Name() string { return For(l).T("lang.name") }
