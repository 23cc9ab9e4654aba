package app

import (
	"time"

	"lintel/templates/text"
)

// localTime writes an instant as every command prints it: by this machine's clock, with its zone, as the portal shows the times of
// the buildings' zones.
func localTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

// withZone has the instants of a sentence written by localTime.
func withZone(s text.Said) text.Said {
	args := make([]any, len(s.Args))
	for i, v := range s.Args {
		switch x := v.(type) {
		case time.Time:
			v = localTime(x)
		case text.Said:
			v = withZone(x)
		}
		args[i] = v
	}
	s.Args = args
	return s
}
