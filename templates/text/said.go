package text

import "time"

// Said is a sentence that has not been said yet: made where something was found, said in the language and the zone of
// whoever reads it.
type Said struct {
	Key  string // of a text; "" says Words
	Args []any  // names and values in turn, as Say knows them

	Words string // what comes from elsewhere and has no other language
}

// Plain is a sentence in words that are not ours.
func Plain(words string) Said { return Said{Words: words} }

// Of returns the sentence of a text; args are the placeholders' names and values in turn.
func Of(key string, args ...any) Said { return Said{Key: key, Args: args} }

// Values of a Said that are more than a time or a number.
type (
	Day  time.Time // prints as a date
	Size int64     // bytes
)

// Say says it: times by the clock of zone, numbers, lengths and sizes as the language writes them. An int named Count
// chooses the plural form. Strings stay as they are.
func (p *Printer) Say(s Said, zone *time.Location) string {
	if s.Key == "" {
		return s.Words
	}
	args := make([]any, len(s.Args))
	count, counted := 0, false
	for i, v := range s.Args {
		if n, ok := v.(int); ok && i > 0 && s.Args[i-1] == "Count" {
			count, counted = n, true
		}
		switch x := v.(type) {
		case time.Time:
			v = p.DateTime(x.In(zone))
		case Day:
			v = p.Date(time.Time(x).In(zone))
		case time.Duration:
			v = p.Duration(x)
		case Size:
			v = p.Bytes(int64(x))
		case int:
			v = p.Number(x)
		case Said:
			v = p.Say(x, zone)
		}
		args[i] = v
	}
	if counted {
		return p.N(s.Key, count, args...)
	}
	return p.T(s.Key, args...)
}

// IsZero reports whether there is nothing to say.
func (s Said) IsZero() bool { return s.Key == "" && s.Words == "" }
