package ews

import (
	"bytes"
	"context"
	"encoding/base64"
	"path"
	"strings"

	"lintel/connectors"
)

// maxTried bounds how many attachments of one event are fetched.
const maxTried = 3

// Image fetches the first picture that is attached to an event that is not private; pictures within its text, such as logos of
// signatures, are none.
func (c *Conn) Image(ctx context.Context, room connectors.Room, ev connectors.Event, limit int64) (data []byte, mediaType string, err error) {
	const op = "fetch picture"
	if err := c.mayWrite(op, room); err != nil {
		return nil, "", err
	}
	if ev.Private {
		return nil, "", connectors.Fail(connectors.NotFound, op, "the event is private")
	}
	b := c.roomBox(room)
	ref, err := c.ref(ctx, op, b, ev.Key)
	if err != nil {
		return nil, "", err
	}
	m, _, err := c.call(ctx, b.request(op, getItems(attachmentShape(), ref)))
	if err != nil {
		return nil, "", err
	}
	tried := 0
	for _, a := range m.find("Attachments").all("FileAttachment") {
		id := a.child("AttachmentId").attr("Id")
		if id == "" || a.child("IsInline").yes() || !maybePicture(a) || int64(a.child("Size").int()) > limit+64<<10 {
			continue
		}
		if tried++; tried > maxTried {
			break
		}
		m, _, err := c.call(ctx, b.request(op, getAttachment(id)))
		if connectors.KindOf(err) == connectors.NotFound {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(m.find("Content").raw()), ""))
		if t := pictureType(data); err == nil && t != "" && int64(len(data)) <= limit {
			return data, t, nil
		}
	}
	return nil, "", connectors.Fail(connectors.NotFound, op, "no picture is attached")
}

// maybePicture judges by type and name, before anything is fetched.
func maybePicture(a *node) bool {
	switch strings.ToLower(a.child("ContentType").word()) {
	case "image/png", "image/jpeg", "image/jpg", "image/pjpeg", "image/bmp", "image/x-ms-bmp":
		return true
	}
	switch strings.ToLower(path.Ext(a.child("Name").word())) {
	case ".png", ".jpg", ".jpeg", ".bmp":
		return true
	}
	return false
}

// pictureType is the media type by the first bytes, "" for anything else.
func pictureType(b []byte) string {
	for magic, t := range map[string]string{"\x89PNG\r\n\x1a\n": "image/png", "\xff\xd8\xff": "image/jpeg", "BM": "image/bmp"} {
		if bytes.HasPrefix(b, []byte(magic)) {
			return t
		}
	}
	return ""
}
