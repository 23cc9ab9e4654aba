package outbound

import (
	"strings"
	"sync"
)

// redactICal keeps properties and parameters, line by line.
func redactICal(s string) string {
	unfolded := strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "").Replace(s)
	var b strings.Builder
	for line := range strings.FieldsFuncSeq(unfolded, func(r rune) bool { return r == '\r' || r == '\n' }) {
		b.WriteString(redactProperty(line) + "\n")
	}
	return b.String()
}

func redactProperty(line string) string {
	head, value := cutProperty(line)
	parts := splitQuoted(head)
	name := strings.ToUpper(parts[0])
	if !icalName(name) {
		return mask(line)
	}
	out := name
	for _, p := range parts[1:] {
		k, v, _ := strings.Cut(p, "=")
		if k = strings.ToUpper(k); !icalName(k) {
			k = "X"
		}
		c := secretValue
		switch k {
		case "VALUE", "PARTSTAT", "ROLE", "CUTYPE", "RSVP", "FBTYPE":
			c = word
		case "TZID":
			c = zone
		}
		out += ";" + k + "=" + c.redact(strings.Trim(v, `"`))
	}
	return out + ":" + redactValues(name, value)
}

// redactValues masks a value; those of times may be lists.
func redactValues(name, value string) string {
	c := secretValue
	switch name {
	case "BEGIN", "END", "VERSION", "CALSCALE", "METHOD", "STATUS", "TRANSP", "CLASS":
		c = word
	case "DTSTART", "DTEND", "DTSTAMP", "DURATION", "EXDATE", "RDATE", "RECURRENCE-ID", "LAST-MODIFIED", "CREATED", "FREEBUSY", "TRIGGER",
		"TZOFFSETFROM", "TZOFFSETTO":
		c = when
	case "SEQUENCE", "PRIORITY":
		c = number
	case "RRULE":
		if len(value) <= 200 && strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=;,+-") == "" && strings.HasPrefix(value, "FREQ=") {
			return redactRule(value)
		}
	}
	if c != when {
		return c.redact(value)
	}
	var out []string
	for v := range strings.SplitSeq(value, ",") {
		from, to, ok := strings.Cut(v, "/")
		if v = c.redact(from); ok {
			v += "/" + c.redact(to)
		}
		out = append(out, v)
	}
	return strings.Join(out, ",")
}

// redactRule keeps the parts that RFC 5545 3.3.10 knows.
func redactRule(rule string) string {
	parts := strings.Split(rule, ";")
	for i, p := range parts {
		k, v, _ := strings.Cut(p, "=")
		switch k {
		case "FREQ":
			if !strings.Contains(" SECONDLY MINUTELY HOURLY DAILY WEEKLY MONTHLY YEARLY ", " "+v+" ") {
				parts[i] = k + "=" + mask(v)
			}
		case "UNTIL":
			parts[i] = k + "=" + when.redact(v)
		case "COUNT", "INTERVAL":
			parts[i] = k + "=" + number.redact(v)
		case "WKST", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "BYHOUR", "BYMINUTE", "BYSECOND", "BYYEARDAY", "BYWEEKNO":
			for d := range strings.SplitSeq(v, ",") {
				if len(d) > 4 {
					parts[i] = k + "=" + mask(v)
				}
			}
		default:
			parts[i] = "[" + mask(p) + "]"
		}
	}
	return strings.Join(parts, ";")
}

// cutProperty cuts at the first colon outside quotes.
func cutProperty(s string) (head, value string) {
	quoted := false
	for i := range len(s) {
		switch s[i] {
		case '"':
			quoted = !quoted
		case ':':
			if !quoted {
				return s[:i], s[i+1:]
			}
		}
	}
	return s, ""
}

// splitQuoted splits at semicolons outside quotes, into one part at least.
func splitQuoted(s string) []string {
	quoted := false
	parts := strings.FieldsFunc(s, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ';' && !quoted
	})
	if len(parts) == 0 {
		return []string{""}
	}
	return parts
}

// icalName reports whether a name is a property or parameter that programs use; others may be text that
// lost its place.
func icalName(s string) bool { return icalNames()[s] }

var icalNames = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for n := range strings.FieldsSeq(`BEGIN END VERSION PRODID CALSCALE METHOD ATTACH CATEGORIES CLASS COMMENT DESCRIPTION GEO LOCATION
		PERCENT-COMPLETE PRIORITY RESOURCES STATUS SUMMARY COMPLETED DTEND DUE DTSTART DURATION FREEBUSY TRANSP TZID TZNAME TZOFFSETFROM
		TZOFFSETTO TZURL ATTENDEE CONTACT ORGANIZER RECURRENCE-ID RELATED-TO URL UID EXDATE RDATE RRULE EXRULE ACTION REPEAT TRIGGER CREATED
		DTSTAMP LAST-MODIFIED SEQUENCE REQUEST-STATUS NAME REFRESH-INTERVAL SOURCE COLOR IMAGE CONFERENCE
		ALTREP CN CUTYPE DELEGATED-FROM DELEGATED-TO DIR ENCODING FMTTYPE FBTYPE LANGUAGE MEMBER PARTSTAT RANGE RELATED RELTYPE ROLE RSVP
		SENT-BY VALUE EMAIL DISPLAY FEATURE LABEL SCHEDULE-AGENT SCHEDULE-STATUS SCHEDULE-FORCE-SEND
		X-WR-CALNAME X-WR-TIMEZONE X-WR-CALDESC X-PUBLISHED-TTL X-MICROSOFT-CDO-BUSYSTATUS X-MICROSOFT-CDO-ALLDAYEVENT
		X-MICROSOFT-CDO-INTENDEDSTATUS X-MICROSOFT-CDO-IMPORTANCE X-LIC-LOCATION X-ALT-DESC`) {
		m[n] = true
	}
	return m
})
