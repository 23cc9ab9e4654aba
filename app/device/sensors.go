package device

import (
	"strconv"
	"strings"
)

// reading is a value of the SENSORS header.
type reading struct {
	Make, Model, Kind, Unit string
	Value                   float64
	At                      int64 // Unix seconds; 0 = not told
}

// Limits of the SENSORS header.
const (
	maxSensors      = 32
	maxSensorHeader = 8 << 10
)

// readSensors reads the SENSORS header: records between commas, each of key=value pairs between semicolons. Records that can't be
// read, or have no kind or value, are left out.
func readSensors(header string) []reading {
	if len(header) > maxSensorHeader {
		return nil
	}
	var out []reading
	for record := range strings.SplitSeq(header, ",") {
		if len(out) == maxSensors {
			break
		}
		var r reading
		valued := false
		for pair := range strings.SplitSeq(record, ";") {
			key, value, _ := strings.Cut(pair, "=")
			switch value = strings.TrimSpace(value); strings.TrimSpace(key) {
			case "make":
				r.Make = value
			case "model":
				r.Model = value
			case "kind":
				r.Kind = value
			case "unit":
				r.Unit = value
			case "value":
				v, err := strconv.ParseFloat(value, 64)
				r.Value, valued = v, err == nil && v-v == 0 // neither infinite nor not a number
			case "created_at":
				r.At, _ = strconv.ParseInt(value, 10, 64) // 0 when it can't be read
			}
		}
		if valued && r.Kind != "" {
			out = append(out, r)
		}
	}
	return out
}
