package app

import (
	"path/filepath"
	"strings"

	"lintel/app/when"
)

// localtimeFile names the machine's zone by where it leads.
const localtimeFile = "/etc/localtime"

// localZone returns the IANA name of this machine's time zone: that of TZ, else where localtime leads. Without either the clock runs in UTC. It is "" where the zone has no name, as with a file of
// its own.
func localZone(tz, localtime string) string {
	name := strings.TrimPrefix(tz, ":")
	if name == "" {
		target, err := filepath.EvalSymlinks(localtime)
		if err != nil {
			return "UTC"
		}
		name = target
	}
	if _, below, ok := strings.Cut(name, "/zoneinfo/"); ok {
		name = below
	}
	if _, err := when.LoadZone(name); err != nil || filepath.IsAbs(name) {
		return ""
	}
	if name == "Etc/UTC" {
		return "UTC" // as the list of zones to choose from has it
	}
	return name
}
