package displays

import (
	"encoding/json"
	"time"

	"lintel/app/when"
	"lintel/render"
	"lintel/store"
	"lintel/templates/text"
)

// Panel is what a browser panel shows, in words of its language. Unlike a picture it has a clock: times are Unix seconds, so
// that the page can mark "now". Changes at is when the server will have something new.
type Panel struct {
	Screen   string   `json:"screen"` // "room", "claim", "unassigned", "neutral" or "refused"
	Lang     string   `json:"lang"`
	State    string   `json:"state,omitempty"` // of a room: "free", "busy", "soon" or "closed"
	Room     string   `json:"room,omitempty"`
	Word     string   `json:"word,omitempty"` // of the state
	Until    string   `json:"until,omitempty"`
	Subject  string   `json:"subject,omitempty"`
	Detail   string   `json:"detail,omitempty"`
	Facts    []string `json:"facts,omitempty"`
	Date     string   `json:"date,omitempty"`
	AsOf     string   `json:"as_of,omitempty"` // the age of a stale agenda
	NextWord string   `json:"next_title,omitempty"`
	Empty    string   `json:"next_empty,omitempty"` // instead of an empty list
	Code     string   `json:"code,omitempty"`
	Title    string   `json:"title,omitempty"`
	Body     string   `json:"body,omitempty"`
	Lines    []string `json:"lines,omitempty"`

	Next []PanelRow `json:"next,omitempty"`
	Bar  *PanelBar  `json:"bar,omitempty"`

	ChangesAt int64  `json:"changes_at,omitempty"` // end of the present state; 0 = not known
	Zone      string `json:"zone,omitempty"`       // IANA name of the building's zone
}

// PanelRow is a meeting of the list.
type PanelRow struct {
	Time  string `json:"time"`
	Title string `json:"title"`
}

// PanelBar is the bar of the day: everything in Unix seconds.
type PanelBar struct {
	From    int64       `json:"from"`
	To      int64       `json:"to"`
	Busy    [][2]int64  `json:"busy"`
	Present [2]int64    `json:"present"` // the span of the present state; zeros for none
	Ticks   []PanelTick `json:"ticks"`
}

// PanelTick is a label on the bar.
type PanelTick struct {
	At    int64  `json:"at"`
	Label string `json:"label"`
}

// panelPoll is how often a panel asks by itself, at the latest.
const panelPoll = time.Minute

// panel turns a scene of the day template into a panel.
func (r *room) panel(l look, t time.Time, s render.Scene) Panel {
	if s.Template == render.Neutral {
		p := noticePanel(l.say, s)
		p.Room = s.Room
		return p
	}
	now := r.at(t, l.soonBefore)
	p := Panel{
		Screen: "room", Lang: string(l.say.Lang()), State: string(now.kind), Room: s.Room, Word: s.StateWord, Until: s.Until,
		Subject: s.Subject, Detail: s.Detail, Facts: s.Facts, Date: s.DateLabel, AsOf: s.AsOf, NextWord: s.NextTitle, Empty: s.NextEmpty,
		Zone: r.place.Building.Zone,
	}
	if edges := r.edges(t, l.soonBefore); len(edges) > 0 {
		p.ChangesAt = edges[0].Unix()
	}
	for _, row := range s.Next {
		p.Next = append(p.Next, PanelRow{row.Time, row.Title})
	}
	start := when.DayOf(t, r.zone).Start(r.zone).Unix()
	at := func(minute int) int64 { return start + int64(minute)*60 }
	p.Bar = &PanelBar{From: at(s.Bar.From), To: at(s.Bar.To), Busy: [][2]int64{}, Ticks: []PanelTick{}}
	for _, b := range s.Bar.Busy {
		p.Bar.Busy = append(p.Bar.Busy, [2]int64{at(b.From), at(b.To)})
	}
	if s.Bar.Present.From < s.Bar.Present.To {
		p.Bar.Present = [2]int64{at(s.Bar.Present.From), at(s.Bar.Present.To)}
	}
	for _, tick := range s.Bar.Ticks {
		p.Bar.Ticks = append(p.Bar.Ticks, PanelTick{at(tick.At), tick.Label})
	}
	return p
}

// noticePanel turns any other scene into a panel.
func noticePanel(say *text.Printer, s render.Scene) Panel {
	p := Panel{Lang: string(say.Lang()), Title: s.Title, Body: s.Body, Code: s.Code, Lines: s.Lines}
	switch s.Template {
	case render.Claim:
		p.Screen = "claim"
	case render.Unassigned:
		p.Screen = "unassigned"
	case render.Message:
		p.Screen = "refused"
	default:
		p.Screen = "neutral"
	}
	return p
}

// showPanel stores what a panel shows and tells its streams when that is something new. zone is nil when it shows no room.
// d.drawing is held.
func (s *Service) showPanel(d *display, p Panel, zone *time.Location) {
	b, err := json.Marshal(p)
	if err != nil {
		s.o.Log.Error("encode panel", "display", string(d.id), "err", err) // it holds strings and numbers only
		return
	}
	d.mu.Lock()
	same := string(b) == string(d.panel)
	d.panel, d.zone = b, zone
	d.mu.Unlock()
	if !same {
		d.wake()
		s.o.Changed(d.id)
	}
}

// wake tells the streams of a panel that there is something new.
func (d *display) wake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.watchers {
		select {
		case c <- struct{}{}:
		default: // it has not looked yet
		}
	}
}

// PanelState is what a panel shows now.
type PanelState struct {
	JSON []byte    // a Panel
	Now  time.Time // the server's clock, in the zone of the panel's building; UTC when it shows no room
}

// Panel returns what the panel with this key shows, and notes the contact. ErrUnknownKey for a key that is not known (any more).
func (s *Service) Panel(key string, rep Report) (PanelState, error) {
	d, err := s.panelByKey(key)
	if err != nil {
		return PanelState{}, err
	}
	s.ready(d)
	now := s.o.Now()
	d.mu.Lock()
	d.listen(rep)
	c := d.contact(rep, now, panelPoll)
	st := PanelState{JSON: d.panel, Now: now.UTC()}
	if d.zone != nil {
		st.Now = now.In(d.zone)
	}
	d.mu.Unlock()
	s.enqueue(c)
	return st, nil
}

// WatchPanel returns a channel that says whenever the panel with this key shows something new, also that it is gone. Call stop
// at the end.
func (s *Service) WatchPanel(key string) (news <-chan struct{}, stop func(), err error) {
	d, err := s.panelByKey(key)
	if err != nil {
		return nil, nil, err
	}
	c := make(chan struct{}, 1)
	d.mu.Lock()
	d.watchers[c] = true
	d.mu.Unlock()
	return c, func() {
		d.mu.Lock()
		delete(d.watchers, c)
		d.mu.Unlock()
	}, nil
}

func (s *Service) panelByKey(key string) (*display, error) {
	d := s.byKeyText(key)
	if d == nil || d.settings().Protocol != store.ProtocolPanel {
		return nil, ErrUnknownKey
	}
	return d, nil
}
