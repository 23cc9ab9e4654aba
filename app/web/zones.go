package web

import (
	_ "embed" // for the list of zones
	"strings"

	"lintel/templates/ui"
)

// zoneNames lists the time zones to choose from, one a line: those of the tz database's zone.tab, which has
// one for each place, and UTC. A building may have any other IANA name by other means.
//
//go:embed zones.txt
var zoneNames string

// zoneOptions are the zones by continent, with the present one where the list lacks it.
func zoneOptions(present string) []ui.Option {
	out := []ui.Option{}
	known := present == ""
	for name := range strings.Lines(zoneNames) {
		name = strings.TrimSpace(name)
		group, place, ok := strings.Cut(name, "/")
		if !ok {
			group, place = "", name
		}
		known = known || name == present
		out = append(out, ui.Option{Value: name, Label: strings.ReplaceAll(place, "_", " "), Group: group})
	}
	if !known {
		out = append(out, ui.Option{Value: present, Label: present})
	}
	return out
}
