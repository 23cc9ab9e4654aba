package device

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"

	"lintel/app/displays"
	"lintel/static"
)

var panelTemplate = template.Must(template.New("panel").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Lintel</title>
<link rel="stylesheet" href="{{.CSS}}"><script defer src="{{.JS}}"></script></head>
<body><main id="panel" data-news="{{.News}}"></main></body></html>
`))

// writePanelPage writes the page with its first news in it.
func (h *handler) writePanelPage(w http.ResponseWriter, n panelNews) {
	news, err := json.Marshal(n)
	var p displays.Panel
	if err == nil {
		err = json.Unmarshal(n.Panel, &p)
	}
	var b bytes.Buffer
	if err == nil {
		err = panelTemplate.Execute(&b, map[string]string{"Lang": p.Lang, "News": string(news), "CSS": static.URL("panel.css"), "JS": static.URL("js/panel.js")})
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	panelHeaders(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	h.deadline(w, writeTime)
	_, _ = w.Write(b.Bytes())
}
