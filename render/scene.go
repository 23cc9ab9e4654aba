package render

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// Template chooses the layout of a picture.
type Template uint8

// The templates. Day and Week show a room, Custom what somebody wants to be seen there; the others are notices.
const (
	Day        Template = iota // state, next meetings, bar of the day
	Week                       // state in a header, five or seven columns of days
	Claim                      // Title, Code in the largest type, Lines
	Message                    // Title and Body: an announcement, out of service, emergency
	Unassigned                 // Title, Body and Lines: this display belongs to no room yet
	Neutral                    // Room, Title and Body: claims nothing about the room's state
	Custom                     // Photo in place of everything else
)

// State is what the state area looks like. The word for it stands in Scene.StateWord.
type State uint8

// The states: free is black on white, busy inverted, soon carries a hatched band, unknown a dotted one.
const (
	Free State = iota
	Busy
	Soon
	Unknown
)

// Scene says everything that a picture shows. All words are in the reader's language already; a string that is empty is not
// shown. Each string finds its own direction (the first strong letter decides) and keeps to the layout's left edge. Strings
// are shown as one paragraph: control characters and line breaks become spaces, and what is beyond 400 characters is dropped.
//
// Positions in Bar and Week are minutes on an axis that the caller chooses, usually minutes since the local midnight; only
// their proportions matter here. Spans are half open.
type Scene struct {
	Template Template
	State    State

	Room      string   // name of the room
	StateWord string   // "Free"
	Until     string   // "until 15:00, then booked"
	Subject   string   // subject of the present meeting (of the coming one when Soon), or the word for private
	Detail    string   // "Anna Keller · since 13:00"
	Facts     []string // when there is no Subject: the first is emphasised ("6 seats"), the rest stands below it

	NextTitle string // heading of the list, "Next"
	DateLabel string // "Sat 21 Nov"
	Next      []Row  // next meetings in order
	NextEmpty string // shown instead of an empty list
	More      string // text for what the list has no room for; "{n}" is replaced by the number: "+{n} more"

	Bar  Bar
	Week WeekGrid

	QR     string // content of the QR code; left out where modules of 3 px and the quiet zone do not fit
	QRHint string // what the code is good for, "Scan to book"; shown only with the code

	LowBattery string // shown only when the battery is low
	AsOf       string // "as of 14:05": the age of a stale agenda

	Code  string   // Claim: the code, in the largest type
	Title string   // Claim, Message, Unassigned, Neutral
	Body  string   // Message, Unassigned, Neutral
	Lines []string // Claim and Unassigned: what to do with the code, an address

	Photo *Photo // Custom
}

// Row is one of the next meetings.
type Row struct {
	Time  string // "16:30 – 17:30"
	Title string
}

// Span is the half-open interval [From, To) on an axis in minutes.
type Span struct {
	From, To int
}

// Tick is a label on an axis.
type Tick struct {
	At    int
	Label string
}

// Bar is the bar of the working day. It is shown when From < To; what lies outside is cut off.
type Bar struct {
	From, To int
	Ticks    []Tick
	Busy     []Span
	Present  Span // of the present state, marked above the bar; in the Week template, in today's column. None when empty
}

// WeekGrid is the body of the Week template.
type WeekGrid struct {
	From, To int // the hours shown; events outside are moved to the edge
	Hours    []Tick
	Days     []WeekDay // five or seven (up to seven are shown)
}

// WeekDay is one column of the week.
type WeekDay struct {
	Label  string // "Mon 16"
	Today  bool
	AllDay []string
	Events []Event
}

// Event is a meeting in a column. Events of a day may overlap; they then share the column's width.
type Event struct {
	Span
	Title string
}

// keyVersion is part of every key. A program with another layout must not take a key of this one for its own.
const keyVersion = 1

// Key identifies the inputs of a picture: equal keys mean equal bytes within one build of the program. Compare keys before
// drawing, so that an unchanged scene costs no drawing. Store Picture.Hash, not keys: a new version may draw differently.
func (s *Scene) Key(f Format) [32]byte {
	b, err := json.Marshal(struct {
		Version int
		Format  Format
		Scene   *Scene
	}{keyVersion, f, s})
	if err != nil {
		// Scene and Format hold strings, integers, booleans and slices of them only, and a photo that names itself.
		panic(fmt.Sprintf("render: key of a scene: %v", err))
	}
	return sha256.Sum256(b)
}
