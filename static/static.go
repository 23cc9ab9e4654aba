// Package static holds the files that pages load (style sheets, scripts, icons, the font) and serves them under names that carry a hash of
// their content, so that a browser may keep them for ever and still sees a new version at once.
//
// There is no build step: the numbered style sheets are joined in their order to app.css when they are first asked for.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed css fonts/inter.woff2 js icons.svg favicon.svg
var files embed.FS

// Prefix is the path under which Handler answers.
const Prefix = "/static/"

// file is one thing that a browser may load.
type file struct {
	url     string // with the hash, from Prefix on
	mime    string
	content []byte
	zipped  []byte // gzip of content, nil where it saves nothing
}

type catalogue struct {
	byName map[string]*file // "app.css"
	byURL  map[string]*file // "/static/app.3f2a91c0de.css"
}

// loaded panics on an unreadable embedded file: that is a broken build, which every test of this package notices.
var loaded = sync.OnceValue(func() catalogue {
	c := catalogue{byName: map[string]*file{}, byURL: map[string]*file{}}
	var app bytes.Buffer
	panel := []byte(nil)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		switch {
		case name == "css/panel.css":
			panel = content
		case path.Ext(name) == ".css":
			app.Write(content) // WalkDir is in lexical order
		case path.Ext(name) == ".txt":
		default:
			return c.add(name, content)
		}
		return nil
	})
	if err == nil {
		err = c.add("app.css", c.link(app.Bytes()))
	}
	if err == nil {
		err = c.add("panel.css", c.link(panel))
	}
	if err != nil {
		panic(fmt.Sprintf("read the embedded static files: %v", err))
	}
	return c
})

// link replaces the font's plain name in a style sheet, which lies beside it under Prefix, by the one with its hash.
func (c catalogue) link(css []byte) []byte {
	font := strings.TrimPrefix(c.byName["fonts/inter.woff2"].url, Prefix)
	return bytes.ReplaceAll(css, []byte("../fonts/inter.woff2"), []byte(font))
}

func (c catalogue) add(name string, content []byte) error {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	f := &file{
		url:     Prefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext,
		mime:    mimeOf(ext),
		content: content,
	}
	if ext != ".woff2" {
		zipped, err := zip(content)
		if err != nil {
			return err
		}
		if len(zipped) < len(content) {
			f.zipped = zipped
		}
	}
	c.byName[name], c.byURL[f.url] = f, f
	return nil
}

func mimeOf(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	}
	return "application/octet-stream"
}

func zip(content []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// URL returns the path of a file from the root of a listener, with its hash: URL("app.css") is "/static/app.3f2a91c0de.css". A base path
// of the portal goes before it. For a name that does not exist it returns the plain path, which answers 404; Names lists the names.
func URL(name string) string {
	if f, ok := loaded().byName[name]; ok {
		return f.url
	}
	return Prefix + name
}

// Names lists everything that URL knows.
func Names() []string {
	var names []string
	for name := range loaded().byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Version changes whenever any file does. A page that lives long compares it to notice that the server was renewed.
func Version() string {
	sum := sha256.New()
	for _, name := range Names() {
		sum.Write([]byte(URL(name)))
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}

// Handler serves the files at their hashed paths to GET and HEAD, to be kept for a year; every other path is not found.
// Strip a base path before it.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := loaded().byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.mime)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		content := f.content
		if f.zipped != nil {
			h.Set("Vary", "Accept-Encoding")
			if acceptsGzip(r.Header.Get("Accept-Encoding")) {
				h.Set("Content-Encoding", "gzip")
				content = f.zipped
			}
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	})
}

// acceptsGzip reads an Accept-Encoding header as far as gzip goes (RFC 9110 §12.5.3).
func acceptsGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q := strings.ReplaceAll(weight, " ", "")
			return q != "q=0" && !strings.HasPrefix(q, "q=0.000")
		}
	}
	return false
}
