package app

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// setting is one value of a TOML file with the path of tables that leads to it.
type setting struct {
	path []string
	raw  any
}

// flatten returns the values of a decoded TOML file in the order of their names.
func flatten(tree map[string]any) []setting {
	var out []setting
	var walk func(path []string, table map[string]any)
	walk = func(path []string, table map[string]any) {
		names := make([]string, 0, len(table))
		for name := range table {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			here := append(slices.Clone(path), name)
			if sub, ok := table[name].(map[string]any); ok && len(sub) > 0 {
				walk(here, sub)
				continue
			}
			out = append(out, setting{here, table[name]})
		}
	}
	walk(nil, tree)
	return out
}

// lineOf returns the line, counted from 1, on which a TOML file sets path, or 0 when it can't be
// told. It knows tables, dotted keys and inline tables; it serves messages only.
func lineOf(content string, path []string) int {
	var table []string
	for n, line := range strings.Split(content, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			header, _, _ := strings.Cut(strings.TrimLeft(line, "["), "]")
			table = splitKey(header)
			if slices.Equal(table, path) {
				return n + 1
			}
			continue
		}
		key, _, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		full := append(slices.Clone(table), splitKey(key)...)
		if len(full) <= len(path) && slices.Equal(full, path[:len(full)]) {
			return n + 1
		}
	}
	return 0
}

func splitKey(key string) []string {
	parts := strings.Split(key, ".")
	for i, p := range parts {
		parts[i] = strings.Trim(strings.TrimSpace(p), `"'`)
	}
	return parts
}

// suggest names what an unknown setting was probably meant to be.
func (l *configLoader) suggest(name string) string {
	var below []string
	best, distance := "", len(name)
	for _, k := range l.keys {
		if strings.HasPrefix(k.name, name+".") {
			below = append(below, k.name)
		}
		if d := editDistance(name, k.name); d < distance {
			best, distance = k.name, d
		}
	}
	if below != nil {
		return "; it is a table of " + strings.Join(below, ", ")
	}
	// The right name in the wrong table is nearer than any other spelling.
	_, last, _ := cutLast(name)
	for _, k := range l.keys {
		if _, l, nested := cutLast(k.name); l == last && nested && distance > 2 {
			best, distance = k.name, 0
			break
		}
	}
	if best == "" || distance > max(4, len(name)*2/3) {
		return "; `lintel config print` lists all"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func (l *configLoader) suggestEnv(name string) string {
	best, distance := "", len(name)
	for _, k := range l.keys {
		if d := editDistance(name, k.env()); d < distance {
			best, distance = k.env(), d
		}
	}
	if best == "" || distance > len(name)/2 {
		return "; `lintel config print` lists all"
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

func cutLast(name string) (table, last string, nested bool) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i], name[i+1:], true
	}
	return "", name, false
}

// editDistance is Levenshtein's: how many letters must be added, dropped or changed.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// printConfig writes the effective configuration as TOML, each value with its origin.
func printConfig(w io.Writer, eff Effective) error {
	width := 0
	lines := make([]string, 0, 40)
	keys := configKeys()
	for _, k := range keys {
		line := k.name + " = " + showConfig(k.ptr(&eff.Config))
		lines = append(lines, line)
		width = max(width, min(len(line), 60))
	}
	for i, k := range keys {
		origin := eff.Origin[k.name]
		if origin == "" {
			origin = "default"
		}
		if _, err := fmt.Fprintf(w, "%-*s  # %s\n", width, lines[i], origin); err != nil {
			return err
		}
	}
	return nil
}

// printDefaults writes every setting with its explanation and its default, commented out: a file
// to start from.
func printDefaults(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Configuration of Lintel. Every setting can also be given in the environment: LINTEL_ and its\n" +
		"# name in capitals, dots as underscores; with _FILE at the end it is read from a file.\n")
	var c Config
	for _, k := range configKeys() {
		if err := setConfig(k.ptr(&c), k.def); err != nil && k.def != "" {
			return fmt.Errorf("default of %s: %w", k.name, err)
		}
		b.WriteByte('\n')
		for _, line := range wrap(k.doc, 98) {
			b.WriteString("# " + line + "\n")
		}
		if k.choices != nil {
			b.WriteString("# One of: " + strings.Join(k.choices, ", ") + "\n")
		}
		b.WriteString("# " + k.env() + "\n")
		b.WriteString("#" + k.name + " = " + showConfig(k.ptr(&c)) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks text into lines of at most width bytes where a word allows it.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// readAtMost reads all of r and fails beyond limit bytes; name is for the message.
func readAtMost(r io.Reader, limit int64, name string) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("read %s: it has more than %d bytes", name, limit)
	}
	return content, nil
}
