//go:build ignore

// This program makes windowszones.txt from the file windowsZones.json of the Unicode CLDR
// (npm package cldr-core, supplemental):
//
//	go run gen_windows.go windowsZones.json > windowszones.txt
//
// A line is: Windows name; the zone of territory 001; all other zones, separated by spaces.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
)

type file struct {
	Supplemental struct {
		Version struct {
			CLDR string `json:"_cldrVersion"`
		} `json:"version"`
		WindowsZones struct {
			MapTimezones []struct {
				MapZone struct {
					Name      string `json:"_other"`
					Zones     string `json:"_type"`
					Territory string `json:"_territory"`
				} `json:"mapZone"`
			} `json:"mapTimezones"`
		} `json:"windowsZones"`
	} `json:"supplemental"`
}

func main() {
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		log.Fatal(err)
	}
	byName, first := map[string][]string{}, map[string]string{}
	for _, m := range f.Supplemental.WindowsZones.MapTimezones {
		z := m.MapZone
		if z.Territory == "001" {
			first[z.Name] = z.Zones
		}
		byName[z.Name] = append(byName[z.Name], strings.Fields(z.Zones)...)
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Printf("# Derived from Unicode CLDR %s, windowsZones. Copyright Unicode, Inc. Licence: windowszones.LICENSE\n", f.Supplemental.Version.CLDR)
	for _, name := range names {
		rest := slices.DeleteFunc(byName[name], func(z string) bool { return z == first[name] })
		slices.Sort(rest)
		fmt.Printf("%s;%s;%s\n", name, first[name], strings.Join(slices.Compact(rest), " "))
	}
}
