package ical

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits bound what Parse takes. A zero field means its default.
type Limits struct {
	Bytes      int64 // of the file; 20 MiB
	Lines      int   // content lines after unfolding; 1,000,000
	LineBytes  int   // of one of them; 8 MiB. A longer line is dropped, not the file
	Components int   // BEGIN lines; 200,000
	Depth      int   // nesting; 8. Deeper components are dropped, not the file
}

func (l Limits) withDefaults() Limits {
	def := func(n *int, d int) {
		if *n <= 0 {
			*n = d
		}
	}
	if l.Bytes <= 0 {
		l.Bytes = 20 << 20
	}
	def(&l.Lines, 1_000_000)
	def(&l.LineBytes, 8<<20)
	def(&l.Components, 200_000)
	def(&l.Depth, 8)
	return l
}

// ErrNotCalendar means that the bytes hold no BEGIN line at all: a sign-in page, say, or an empty file.
var ErrNotCalendar = errors.New("not an iCalendar file")

// LimitError says which limit a file exceeds.
type LimitError struct {
	What string // "bytes", "lines" or "components"
	Max  int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("read calendar: more than %d %s", e.Max, e.What)
}

// Report says what Parse met. It holds counts only, nothing of the content.
type Report struct {
	Lines      int  // content lines
	Components int  // components kept
	BadLines   int  // lines that are no content line; ignored
	LongLines  int  // lines beyond Limits.LineBytes; dropped
	TooDeep    int  // components beyond Limits.Depth; dropped with what they hold
	Unclosed   int  // components without END; kept
	StrayEnds  int  // END lines that close nothing; ignored
	Recoded    int  // lines that were not UTF-8; read as Windows-1252
	Truncated  bool // the file stops before the END of its last VCALENDAR: perhaps a cut connection
}

// Whole reports whether the tree holds all of the file, so that writing it back loses nothing.
func (r Report) Whole() bool {
	return r.BadLines == 0 && r.LongLines == 0 && r.TooDeep == 0 && r.StrayEnds == 0 && !r.Truncated
}

// Read is Parse of all that r gives, up to Limits.Bytes.
func Read(r io.Reader, lim Limits) (*Calendar, Report, error) {
	lim = lim.withDefaults()
	data, err := io.ReadAll(io.LimitReader(r, lim.Bytes+1))
	if err != nil {
		return nil, Report{}, fmt.Errorf("read calendar: %w", err)
	}
	return Parse(data, lim)
}

// Parse reads a file. It never gives up over content: what is not understood is counted in the report.
// Errors are ErrNotCalendar and *LimitError only. data is not kept.
func Parse(data []byte, lim Limits) (*Calendar, Report, error) {
	lim = lim.withDefaults()
	if int64(len(data)) > lim.Bytes {
		return nil, Report{}, &LimitError{"bytes", lim.Bytes}
	}
	p := parser{in: newLines(data), lim: lim, cal: &Calendar{}}
	if err := p.run(); err != nil {
		return nil, p.rep, err
	}
	if p.begins == 0 {
		return nil, p.rep, ErrNotCalendar
	}
	for _, c := range p.cal.Components {
		if strings.HasPrefix(strings.TrimSpace(c.Text("VERSION")), "1.") {
			upgrade(c)
		}
	}
	return p.cal, p.rep, nil
}

type parser struct {
	in      *lines
	lim     Limits
	cal     *Calendar
	orphans *Component // the VCALENDAR made for components outside of any
	stack   []*Component
	skip    []string // names of open components that are too deep
	begins  int
	rep     Report
}

func (p *parser) run() error {
	for {
		line, ok := p.in.next()
		if !ok {
			break
		}
		if p.rep.Lines++; p.rep.Lines > p.lim.Lines {
			return &LimitError{"lines", int64(p.lim.Lines)}
		}
		if len(line) > p.lim.LineBytes {
			p.rep.LongLines++
			continue
		}
		s, recoded := decodeBytes(line)
		if recoded {
			p.rep.Recoded++
		}
		prop, ok := parseLine(dropControls(s))
		if ok && isQuotedPrintable(prop) {
			prop, ok = p.quotedPrintable(line)
		}
		if !ok {
			p.rep.BadLines++
			continue
		}
		if err := p.take(prop); err != nil {
			return err
		}
	}
	p.rep.Truncated = slices.ContainsFunc(p.stack, func(c *Component) bool { return c.Name == "VCALENDAR" })
	p.closeTo(0)
	return nil
}

func (p *parser) take(prop Prop) error {
	switch prop.Name {
	case "BEGIN":
		return p.begin(strings.ToUpper(strings.TrimSpace(prop.Value)))
	case "END":
		p.end(strings.ToUpper(strings.TrimSpace(prop.Value)))
		return nil
	}
	if len(p.skip) > 0 {
		return nil
	}
	if len(p.stack) == 0 {
		p.rep.BadLines++
		return nil
	}
	mendZone(&prop)
	top := p.stack[len(p.stack)-1]
	if top.Props == nil {
		top.Props = make([]Prop, 0, 16) // few events have more
	}
	top.Props = append(top.Props, prop)
	return nil
}

func (p *parser) begin(name string) error {
	if !isName(name) {
		p.rep.BadLines++
		return nil
	}
	if p.begins++; p.begins > p.lim.Components {
		return &LimitError{"components", int64(p.lim.Components)}
	}
	p.makeRoom(name)
	if len(p.skip) > 0 || len(p.stack) >= p.lim.Depth {
		p.skip = append(p.skip, name)
		p.rep.TooDeep++
		return nil
	}
	p.rep.Components++
	c := &Component{Name: name}
	switch {
	case len(p.stack) > 0:
		top := p.stack[len(p.stack)-1]
		top.Children = append(top.Children, c)
	case name == "VCALENDAR":
		p.cal.Components = append(p.cal.Components, c)
	default: // what stands outside of any VCALENDAR shares one of its own
		if p.orphans == nil {
			p.orphans = &Component{Name: "VCALENDAR"}
			p.cal.Components = append(p.cal.Components, p.orphans)
		}
		p.orphans.Children = append(p.orphans.Children, c)
	}
	p.stack = append(p.stack, c)
	return nil
}

// makeRoom closes what a missing END left open: these components never stand inside one another.
func (p *parser) makeRoom(name string) {
	parent := ""
	switch name {
	case "VCALENDAR":
		p.closeTo(0)
		return
	case "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY":
		parent = "VCALENDAR"
	case "STANDARD", "DAYLIGHT":
		parent = "VTIMEZONE"
	default:
		return
	}
	for i := len(p.stack) - 1; i >= 0; i-- {
		if p.stack[i].Name == parent {
			p.closeTo(i + 1)
			return
		}
	}
	if parent == "VCALENDAR" {
		p.closeTo(0)
	}
}

func (p *parser) closeTo(depth int) {
	p.skip = p.skip[:0]
	p.rep.Unclosed += len(p.stack) - depth
	p.stack = p.stack[:depth]
}

func (p *parser) end(name string) {
	for i := len(p.skip) - 1; i >= 0; i-- {
		if p.skip[i] == name {
			p.skip = p.skip[:i]
			return
		}
	}
	for i := len(p.stack) - 1; i >= 0; i-- {
		if p.stack[i].Name == name {
			p.closeTo(i + 1)
			p.stack = p.stack[:i]
			return
		}
	}
	p.rep.StrayEnds++
}

func isQuotedPrintable(p Prop) bool {
	if strings.EqualFold(p.Param("ENCODING"), "QUOTED-PRINTABLE") {
		return true
	}
	for _, q := range p.Params { // vCalendar 1.0 also writes the bare value
		if q.Name == "QUOTED-PRINTABLE" {
			return true
		}
	}
	return false
}

// quotedPrintable reads the rest of a value with soft line breaks and decodes it, so that the tree
// holds RFC 5545 text only.
func (p *parser) quotedPrintable(line []byte) (Prop, bool) {
	whole := slices.Clone(line)
	for len(whole) > 0 && whole[len(whole)-1] == '=' && len(p.in.data) > 0 {
		whole = append(whole[:len(whole)-1], p.in.physical()...)
	}
	if len(whole) > p.lim.LineBytes {
		p.rep.LongLines++
		return Prop{}, false
	}
	s, _ := decodeBytes(whole)
	prop, ok := parseLine(dropControls(s))
	if !ok {
		return prop, false
	}
	prop.Value = decodeQuotedPrintable(prop.Value)
	prop.Params = slices.DeleteFunc(prop.Params, func(q Param) bool {
		return q.Name == "ENCODING" || q.Name == "CHARSET" || q.Name == "QUOTED-PRINTABLE"
	})
	return prop, true
}
