package ui

import (
	"slices"
	"strconv"
	"time"
)

// Span is a time in which something is booked, half open.
type Span struct{ From, To time.Time }

// DayBar is a room's working day as a strip: what is booked, and where now is.
type DayBar struct {
	From, To time.Time // the hours that the bar covers, in the building's zone
	Spans    []Span
	Now      time.Time // zero for no mark
	Stale    bool      // the agenda is not confirmed: drawn softly
	Label    string    // the same in words: "Booked 9:00 – 10:30 and 13:00 – 15:00"
	Hours    bool      // with the hours under it
}

// share is where t lies between from and to, in percent as an SVG length, held inside.
func share(t, from, to time.Time) float64 {
	whole := to.Sub(from)
	if whole <= 0 {
		return 0
	}
	return min(max(float64(t.Sub(from))/float64(whole), 0), 1) * 100
}

func percent(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + "%" }

func px(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Block is a booking in a timeline, as far as the viewer may see it.
type Block struct {
	From, To time.Time
	When     string // its time in words where From to To does not say it: "All day"; else ""
	Title    string // the subject, "Private" or "Booked"
	Quiet    bool   // drawn without colour: private, or not to be opened
	Path     string // of its page, without Base; "" when the viewer may not open it
}

// when says when a block is.
func (b Block) when(sh Shell) string {
	if b.When != "" {
		return b.When
	}
	return sh.Span(b.From, b.To)
}

// strip is a piece of a bar or a row, ready to draw.
type strip struct {
	x, width string
	from, to time.Time
	block    Block
}

// strips clips spans to [from, to) and drops those outside.
func strips(blocks []Block, from, to time.Time) []strip {
	var out []strip
	for _, b := range blocks {
		if !b.To.After(from) || !b.From.Before(to) || !b.To.After(b.From) {
			continue
		}
		left, right := share(b.From, from, to), share(b.To, from, to)
		out = append(out, strip{x: percent(left), width: percent(right - left), from: b.From, to: b.To, block: b})
	}
	return out
}

func (d DayBar) strips() []strip {
	blocks := make([]Block, len(d.Spans))
	for i, s := range d.Spans {
		blocks[i] = Block{From: s.From, To: s.To}
	}
	return strips(blocks, d.From, d.To)
}

// tick is an hour of a timeline.
type tick struct {
	x     string
	label string // "" between the labelled hours
}

// ticks are the full hours from from to to by the building's clock, labelled every few hours so that labels keep their distance.
func ticks(from, to time.Time, most int) []tick {
	hours := int(to.Sub(from).Hours())
	every := 1
	for hours/every > most {
		every++
	}
	if every == 5 {
		every = 6
	}
	var out []tick
	first := from.Truncate(time.Hour)
	// Truncate works on absolute time; zones that are half an hour off need the local hour.
	first = first.Add(-time.Duration(first.Minute()) * time.Minute)
	for at := first; !at.After(to); at = at.Add(time.Hour) {
		if at.Before(from) {
			continue
		}
		t := tick{x: percent(share(at, from, to))}
		if at.Hour()%every == 0 {
			t.label = strconv.Itoa(at.Hour())
			if at.Equal(to) && at.Hour() == 0 {
				t.label = "24"
			}
		}
		out = append(out, t)
	}
	return out
}

// anchor keeps the first and the last label inside the drawing.
func (t tick) anchor() string {
	switch t.x {
	case "0.00%":
		return "start"
	case "100.00%":
		return "end"
	}
	return "middle"
}

func inside(now, from, to time.Time) bool {
	return !now.IsZero() && !now.Before(from) && now.Before(to)
}

// Grid is a day of many rooms: a row each, with what is booked and, where the viewer may book, the free slots as links.
type Grid struct {
	Caption  string
	From, To time.Time
	Now      time.Time
	Step     time.Duration // length of a free slot; 0 is half an hour
	Rows     []GridRow
}

// GridRow is one room of a Grid.
type GridRow struct {
	Group  string // the floor; a heading stands wherever it changes
	Name   string
	Path   string // of the room's page
	Sub    string // "6 seats"
	Blocks []Block
	Unsure bool   // nobody knows whether what is not booked is free
	Book   string // path that a slot leads to, with a query that date=, from= and to= are added to; "" when the viewer may not book
}

// slotKey is the text key of what a slot offers.
func (r GridRow) slotKey() string {
	if r.Unsure {
		return "bookings.slot_unsure"
	}
	return "bookings.slot_free"
}

// slot is a free piece of a row that can be booked.
type slot struct {
	x, width string
	path     string
	from, to time.Time
}

// slots cuts the free time of a row after now at full steps of the day.
func (g Grid) slots(row GridRow) []slot {
	if row.Book == "" {
		return nil
	}
	step := g.Step
	if step <= 0 {
		step = 30 * time.Minute
	}
	busy := slices.SortedFunc(slices.Values(row.Blocks), func(a, b Block) int { return a.From.Compare(b.From) })
	var out []slot
	for from := g.From; from.Before(g.To); from = from.Add(step) {
		to := from.Add(step)
		if to.After(g.To) {
			to = g.To
		}
		if !g.Now.IsZero() && !to.After(g.Now) {
			continue
		}
		if slices.ContainsFunc(busy, func(b Block) bool { return b.From.Before(to) && b.To.After(from) }) {
			continue
		}
		left, right := share(from, g.From, g.To), share(to, g.From, g.To)
		path := pathWith(pathWith(pathWith(row.Book, "date", from.Format("2006-01-02")), "from", from.Format("15:04")), "to", to.Format("15:04"))
		out = append(out, slot{x: percent(left), width: percent(right - left), path: path, from: from, to: to})
	}
	return out
}

func (g Grid) newGroup(i int) bool {
	return g.Rows[i].Group != "" && (i == 0 || g.Rows[i].Group != g.Rows[i-1].Group)
}

// Sheet is a week of one room: a column for each day, positions by the building's clock.
type Sheet struct {
	FromHour, ToHour int // the hours that are drawn, 0 to 24
	Now              time.Time
	Days             []SheetDay
	Label            string
}

// SheetDay is one day of a Sheet.
type SheetDay struct {
	Date   time.Time // local midnight or any time of that day
	Label  string    // "Mon 23"
	Today  bool
	Closed bool // no working day
	Blocks []Block
}

// hourHeight is how tall an hour of a sheet is, in pixels; sheetHead how tall the days' names.
const (
	hourHeight = 44.0
	sheetHead  = 26.0
)

func (s Sheet) height() string { return px(sheetHead + hourHeight*float64(s.ToHour-s.FromHour) + 1) }

func (s Sheet) y(hours float64) float64 { return sheetHead + (hours-float64(s.FromHour))*hourHeight }

// sheetBlock is a block with its place. Blocks that overlap, which a booking system may have, stand side by side.
type sheetBlock struct {
	Block
	x, width  string
	y, height float64
}

// localHours is t on the clock of a day: below 0 before it, 24 after it.
func localHours(t, day time.Time) float64 {
	a := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	b := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
	switch {
	case a.Before(b):
		return 0
	case a.After(b):
		return 24
	}
	return float64(t.Hour()) + float64(t.Minute())/60
}

func (s Sheet) blocks(day SheetDay) []sheetBlock {
	type placed struct {
		sheetBlock
		lane, lanes int
		end         float64
	}
	var out []placed
	sorted := slices.SortedFunc(slices.Values(day.Blocks), func(a, b Block) int { return a.From.Compare(b.From) })
	group := 0 // index of the first block of the present run of overlapping ones
	end := -1.0
	for _, b := range sorted {
		top := max(localHours(b.From, day.Date), float64(s.FromHour))
		bottom := min(localHours(b.To, day.Date), float64(s.ToHour))
		if bottom <= top {
			continue
		}
		if top >= end {
			group = len(out)
		}
		lane := 0
		for taken := true; taken; {
			taken = slices.ContainsFunc(out[group:], func(p placed) bool { return p.lane == lane && p.end > top })
			if taken {
				lane++
			}
		}
		out = append(out, placed{sheetBlock: sheetBlock{Block: b, y: s.y(top), height: max((bottom-top)*hourHeight, 14)}, lane: lane, end: bottom})
		end = max(end, bottom)
		lanes := 0
		for _, p := range out[group:] {
			lanes = max(lanes, p.lane+1)
		}
		for i := group; i < len(out); i++ {
			out[i].lanes = lanes
		}
	}
	blocks := make([]sheetBlock, len(out))
	for i, p := range out {
		p.x, p.width = percent(100*float64(p.lane)/float64(p.lanes)), percent(100/float64(p.lanes))
		blocks[i] = p.sheetBlock
	}
	return blocks
}

func (s Sheet) dayWidth() float64 { return 100 / float64(max(len(s.Days), 1)) }

func (s Sheet) nowY() string {
	return px(s.y(float64(s.Now.Hour()) + float64(s.Now.Minute())/60))
}

func (s Sheet) showsNow(d SheetDay) bool {
	h := float64(s.Now.Hour()) + float64(s.Now.Minute())/60
	return d.Today && !s.Now.IsZero() && h >= float64(s.FromHour) && h <= float64(s.ToHour)
}
