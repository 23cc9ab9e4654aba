// Command notices prints the licences of everything that the program contains, as Markdown. It reads lines of
// "folder of a package, folder of its module, name of its module" on standard input, and further licence files
// as arguments "title=file". A licence's standard text is printed once, however many parts are under it.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func main() {
	n := &notices{own: os.Getenv("LICENSE_FILE")}
	if err := n.run(os.Stdin, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

// standard is the text of a licence that stands in many files: from the first words to the last.
type standard struct {
	name  string
	words *regexp.Regexp
}

// Longer texts stand before those that they could hold.
func standards() []standard {
	return []standard{
		{"Apache-2.0", regexp.MustCompile(`(?s)[ \t]*Apache License\s+Version 2\.0.*?of your accepting any such warranty or additional liability\.\n` +
			`(\s*END OF TERMS AND CONDITIONS\n)?` +
			`(\s*APPENDIX: How to apply.*?easier\s+identification within third-party archives\.\n)?` +
			`(\s*Copyright [[{]yyyy[]}] [[{]name of copyright owner[]}]\n)?`)},
		{"notice of the Apache License", regexp.MustCompile(`(?s)[ \t]*Licensed under the Apache License, Version 2\.0 \(the "License"\);.*?limitations\s+under the License\.\n`)},
		{"OFL-1.1", regexp.MustCompile(`(?s)(-{10,}\n)?SIL OPEN FONT LICENSE Version 1\.1.*?OTHER DEALINGS IN THE FONT SOFTWARE\.\n`)},
		{"MIT", regexp.MustCompile(`(?s)[ \t]*Permission is hereby granted, free of charge, to any person.*?(DEALINGS\s+IN\s+THE\s+SOFTWARE|IN\s+THE\s+SOFTWARE)\.\n`)},
		{"BSD", regexp.MustCompile(`(?s)[ \t/*]*Redistribution and use in source and binary forms.*?OF\s+SUCH\s+DAMAGE\.\n`)},
		{"Zero-Clause BSD", regexp.MustCompile(`(?s)[ \t]*Permission to use, copy, modify, and/or distribute this software for\s+any\s+purpose\s+with\s+or\s+without\s+fee\s+is\s+hereby\s+granted\.\s+THE SOFTWARE.*?PERFORMANCE\s+OF\s+THIS\s+SOFTWARE\.\n`)},
		{"patents of the Go project", regexp.MustCompile(`(?s)Additional IP Rights Grant \(Patents\).*`)},
	}
}

// shared is one wording of a standard text.
type shared struct {
	name, text, plain string
}

type notices struct {
	own   string // our own licence, which holds the Apache License
	texts []shared
}

// part is what is said about one or more modules.
type part struct {
	titles []string
	body   string
}

func (n *notices) run(in io.Reader, files []string, out io.Writer) error {
	own, err := os.ReadFile(n.own)
	if err != nil {
		return err
	}
	n.short(string(own)) // the first text: the Apache License, which is not printed again

	var shipped []part
	for _, arg := range files {
		title, file, _ := strings.Cut(arg, "=")
		body, err := n.read(file, "")
		if err != nil {
			return err
		}
		shipped = append(shipped, part{[]string{title}, body})
	}
	modules, err := n.modules(in)
	if err != nil {
		return err
	}

	w := bufio.NewWriter(out)
	fmt.Fprint(w, "# Notices\n\nLintel itself is under the Apache License 2.0, see [LICENSE](LICENSE). It contains the following parts, each under its own\n"+
		"licence. A text that many share stands once, at the end, and is named in square brackets. `packaging/notices` writes\nthis file.\n\n"+
		"Portions of this software are copyright © 2006 The FreeType Project (www.freetype.org). All rights reserved. It is\n"+
		"based in part on the work of the FreeType Team.\n")
	fmt.Fprint(w, "\n## In this repository\n")
	write(w, shipped)
	fmt.Fprint(w, "\n## Go modules in the program\n")
	write(w, modules)
	fmt.Fprint(w, "\n## Texts\n")
	for _, t := range n.texts[1:] {
		fmt.Fprintf(w, "\n### %s\n\n```\n%s\n```\n", t.name, strings.Trim(t.text, "\n"))
	}
	return w.Flush()
}

func write(w io.Writer, parts []part) {
	for _, p := range parts {
		fmt.Fprintf(w, "\n### %s\n\n```\n%s\n```\n", strings.Join(p.titles, ",\n### "), p.body)
	}
}

// modules returns a part for each module, or for several that say the same.
func (n *notices) modules(in io.Reader) ([]part, error) {
	files := map[string]map[string]bool{} // module -> licence files that are about linked packages
	roots := map[string]string{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		folder, rest, _ := strings.Cut(lines.Text(), "\t")
		root, module, ok := strings.Cut(rest, "\t")
		if !ok {
			return nil, fmt.Errorf("line %q has not three parts", lines.Text())
		}
		if files[module] == nil {
			files[module] = map[string]bool{}
			roots[module] = root
		}
		for dir := folder; strings.HasPrefix(dir, root); dir = filepath.Dir(dir) {
			if err := licences(dir, files[module]); err != nil {
				return nil, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var parts []part
	for _, name := range names {
		if len(files[name]) == 0 {
			return nil, fmt.Errorf("%s has no licence file in %s", name, roots[name])
		}
		paths := make([]string, 0, len(files[name]))
		for path := range files[name] {
			paths = append(paths, path)
		}
		slices.Sort(paths)
		bodies := make([]string, 0, len(paths))
		for _, path := range paths {
			label := ""
			if len(paths) > 1 {
				label, _ = filepath.Rel(roots[name], path)
			}
			body, err := n.read(path, label)
			if err != nil {
				return nil, err
			}
			bodies = append(bodies, body)
		}
		body := strings.Join(bodies, "\n\n")
		if i := slices.IndexFunc(parts, func(p part) bool { return p.body == body }); i >= 0 {
			parts[i].titles = append(parts[i].titles, name)
			continue
		}
		parts = append(parts, part{[]string{name}, body})
	}
	return parts, nil
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense)`)

	// Not about the program: the SQLite driver's list repeats the licences of all modules that it or its tests
	// use, an extension that is not linked, a logo.
	otherFile = regexp.MustCompile(`sqlite@[^/]*/LICENSE-(3RD-PARTY\.md|SQLITE_VEC)$|/LICENSE-LOGO$|\.go$`)
)

// licences adds the licence files of one folder to found; the FreeType licence stands in a folder of its own.
func licences(dir string, found map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !e.IsDir() && licenceFile.MatchString(e.Name()) && !otherFile.MatchString(path) {
			found[path] = true
		}
	}
	if ftl := filepath.Join(dir, "licenses", "ftl.txt"); exists(ftl) {
		found[ftl] = true
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// read returns a licence file with its standard texts replaced by their names.
func (n *notices) read(path, label string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	body := strings.Trim(n.short(string(content)), "\n")
	if label != "" {
		body = label + ":\n" + body
	}
	return body, nil
}

var blankLines = regexp.MustCompile(`\n{3,}`)

// short replaces standard texts by their names and remembers them.
func (n *notices) short(text string) string {
	if !utf8.ValidString(text) { // Latin-1
		runes := make([]rune, len(text))
		for i := range len(text) {
			runes[i] = rune(text[i])
		}
		text = string(runes)
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\f")
	}
	text = strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
	for _, s := range standards() {
		text = s.words.ReplaceAllStringFunc(text, func(found string) string { return "[" + n.name(s.name, found) + "]\n" })
	}
	return blankLines.ReplaceAllString(text, "\n\n")
}

var notWords = regexp.MustCompile(`[^a-z0-9]+`)

// name returns the name of a text, which is the same for the same words in the same order.
func (n *notices) name(kind, text string) string {
	if kind == "Apache-2.0" { // with or without what follows its terms
		text, _, _ = strings.Cut(text, "END OF TERMS AND CONDITIONS")
	}
	text = strings.TrimRight(text, "\n ") + "\n"
	plain := strings.NewReplacer("&", "and", "https:", "http:").Replace(strings.ToLower(text))
	plain = strings.TrimSpace(notWords.ReplaceAllString(plain, " "))
	count := 0
	for _, t := range n.texts {
		if t.plain == plain {
			return t.name
		}
		if strings.HasPrefix(t.name, kind) {
			count++
		}
	}
	name := kind
	if count > 0 {
		name = fmt.Sprintf("%s, wording %d", kind, count+1)
	}
	n.texts = append(n.texts, shared{name, text, plain})
	return name
}
