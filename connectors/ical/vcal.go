package ical

import (
	"slices"
	"strconv"
	"strings"
)

// upgrade rewrites what a vCalendar 1.0 file says differently from RFC 5545: rules and exceptions.
// Its other properties are read as they are.
func upgrade(root *Component) {
	for _, c := range root.Children {
		for i := range c.Props {
			p := &c.Props[i]
			switch p.Name {
			case "RRULE", "EXRULE":
				if !strings.Contains(p.Value, "=") {
					if rule, ok := upgradeRule(p.Value); ok {
						p.Value = rule
					}
				}
			case "EXDATE", "RDATE":
				p.Value = strings.ReplaceAll(p.Value, ";", ",")
			}
		}
	}
}

// upgradeRule turns "W2 MO WE 20261231T000000Z" or "MP1 1+ 2- FR #0" into an RRULE value.
func upgradeRule(s string) (string, bool) {
	f := strings.Fields(strings.ToUpper(s))
	if len(f) == 0 {
		return "", false
	}
	kind := strings.TrimRight(f[0], "0123456789")
	parts := map[string]string{"D": "DAILY", "W": "WEEKLY", "MP": "MONTHLY", "MD": "MONTHLY", "YM": "YEARLY", "YD": "YEARLY"}
	freq, ok := parts[kind]
	if !ok {
		return "", false
	}
	out := []string{"FREQ=" + freq}
	if n := f[0][len(kind):]; n != "" {
		out = append(out, "INTERVAL="+n)
	}
	var days, numbers, weeks []string
	named := false   // weeks were followed by a day
	end := "COUNT=2" // the default of the format
	for _, w := range f[1:] {
		switch {
		case strings.HasPrefix(w, "#"):
			end = "COUNT=" + w[1:]
			if w == "#0" {
				end = ""
			}
		case len(w) >= 8:
			end = "UNTIL=" + w
		case slices.Contains(dayNames, w):
			if len(weeks) == 0 {
				weeks = []string{""}
			}
			named = true
			for _, n := range weeks {
				days = append(days, n+w)
			}
		case strings.HasSuffix(w, "+") || kind == "MP" && strings.HasSuffix(w, "-"):
			if named {
				weeks, named = nil, false
			}
			weeks = append(weeks, strings.TrimPrefix(w[len(w)-1:], "+")+w[:len(w)-1])
		case w == "LD":
			numbers = append(numbers, "-1")
		default:
			n := strings.TrimRight(w, "+-")
			if _, err := strconv.Atoi(n); err != nil {
				continue // a time of day, or nothing we know
			}
			if strings.HasSuffix(w, "-") {
				n = "-" + n
			}
			numbers = append(numbers, n)
		}
	}
	by := map[string]string{"MD": "BYMONTHDAY", "YM": "BYMONTH", "YD": "BYYEARDAY"}[kind]
	if len(numbers) > 0 && by != "" {
		out = append(out, by+"="+strings.Join(numbers, ","))
	}
	if len(days) > 0 {
		out = append(out, "BYDAY="+strings.Join(days, ","))
	}
	if end != "" {
		out = append(out, end)
	}
	return strings.Join(out, ";"), true
}
