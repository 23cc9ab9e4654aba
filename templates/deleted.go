package templates

// Deleted is something that was deleted and can still be brought back.
type Deleted struct {
	Name   string
	What   string // "Floor · Zürich office", the model of a display
	Said   string // "Deleted by A. Keller, 3 h ago"
	Until  string // the last day on which it can come back: "21 Dec 2026"
	Action string // POST target, without Base
	Field  string // name and value of a form field that says what it is; "" for none
	ID     string
}
