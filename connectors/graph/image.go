package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"lintel/connectors"
)

// attachment is what is asked of an attachment before it is fetched.
type attachment struct {
	Type        string `json:"@odata.type"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	ContentType string `json:"contentType"`
	Size        int64  `json:"size"`
	IsInline    bool   `json:"isInline"`
}

// Image fetches the first attached picture. Pictures inside the text, such as those of a signature, do
// not count.
func (c *Conn) Image(ctx context.Context, room connectors.Room, ev connectors.Event, maxBytes int64) ([]byte, string, error) {
	const op = "fetch picture"
	if ev.Key == "" {
		return nil, "", connectors.Fail(connectors.Invalid, op, "the event has no id")
	}
	base := []string{"events", ev.Key, "attachments"}
	u, err := c.mailboxURL(op, room.ID, base, "$select", "id,name,contentType,size,isInline")
	if err != nil {
		return nil, "", err
	}
	entries, _, err := c.list(ctx, op, room.ID, u, nil)
	if err != nil {
		return nil, "", err
	}
	for _, raw := range entries {
		var a attachment
		if json.Unmarshal(raw, &a) != nil || !a.picture() || a.Size > maxBytes+maxBytes/2 {
			continue
		}
		if u, err = c.mailboxURL(op, room.ID, append(base, a.ID, "$value")); err != nil {
			return nil, "", err
		}
		resp, err := c.send(ctx, request{op: op, mailbox: room.ID, url: u, header: http.Header{"Accept": {"*/*"}}})
		if err != nil {
			return nil, "", err
		}
		if resp.Status >= 400 {
			return nil, "", c.failure(op, room.ID, answer{resp.Status, resp.Header, resp.Body, clock(resp)})
		}
		if t := mediaType(resp.Body); t != "" && int64(len(resp.Body)) <= maxBytes {
			return resp.Body, t, nil
		}
	}
	return nil, "", connectors.Fail(connectors.NotFound, op, "no picture is attached")
}

// picture reports whether an attachment may be one for the door. What it is, its bytes decide.
func (a attachment) picture() bool {
	if a.IsInline || a.ID == "" || a.Type != "" && a.Type != "#microsoft.graph.fileAttachment" {
		return false
	}
	switch strings.ToLower(a.ContentType) {
	case "image/png", "image/jpeg", "image/jpg", "image/pjpeg", "image/bmp", "image/x-ms-bmp":
		return true
	}
	switch strings.ToLower(path.Ext(a.Name)) {
	case ".png", ".jpg", ".jpeg", ".bmp":
		return true
	}
	return false
}

// mediaType tells a picture by its first bytes, "" when it is none that a door can show.
func mediaType(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("BM")) && len(b) > 26:
		return "image/bmp"
	}
	return ""
}
