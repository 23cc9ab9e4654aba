package roomztest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// handle answers one request by the contract.
func (s *Server) handle(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if picture, ok := s.images[r.URL.Path]; ok {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(picture)
		return
	}
	if user, password, _ := r.BasicAuth(); user != User || password != Password {
		w.Header().Set("WWW-Authenticate", `Basic realm="fake"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	p := parts(r.URL)
	switch {
	case len(p) == 1 && p[0] == "rooms" && r.Method == http.MethodGet:
		s.listRooms(w)
		return
	case len(p) < 3 || len(p) > 4 || p[0] != "rooms" || p[2] != "meetings":
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if _, ok := s.names[p[1]]; !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	switch {
	case len(p) == 3 && r.Method == http.MethodGet:
		s.list(w, r, p[1])
	case len(p) == 3 && r.Method == http.MethodPost:
		s.create(w, p[1], body)
	case len(p) == 4 && r.Method == http.MethodPut:
		s.update(w, p[1], p[3], body)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) listRooms(w http.ResponseWriter) {
	out := []map[string]any{}
	for _, id := range s.rooms {
		out = append(out, map[string]any{"roomId": id, "name": s.names[id]})
	}
	answer(w, http.StatusOK, out)
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, room string) {
	from, to := time.Time{}, time.Unix(1<<40, 0)
	for name, into := range map[string]*time.Time{"from": &from, "to": &to} {
		if v := r.URL.Query().Get(name); v != "" {
			t, err := time.Parse("2006-01-02T15:04:05Z", v)
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			*into = t
		}
	}
	out := []map[string]any{}
	for _, m := range s.held[room] {
		in := m.Start.Before(to) && m.End.After(from)
		if s.quirks.StartsInRange {
			in = m.Start.Before(to) && !m.Start.Before(from)
		}
		if (in || s.quirks.IgnoresRange) && (!m.Cancelled || s.quirks.KeepsCancelled) {
			out = append(out, s.write(m))
		}
	}
	answer(w, http.StatusOK, out)
}

// write puts a meeting as this system does.
func (s *Server) write(m *Meeting) map[string]any {
	layout := cmp.Or(s.quirks.Layout, "2006-01-02T15:04:05Z")
	stamp := func(t time.Time) string {
		if s.quirks.Layout == time.RFC3339 {
			return t.In(time.FixedZone("", 7200)).Format(layout)
		}
		return t.UTC().Format(layout)
	}
	created := m.Created
	if created.IsZero() {
		created = m.Start
	}
	out := map[string]any{
		"meetingId": m.ID, "subject": m.Subject, "organizerId": m.OrganizerID, "organizerName": m.OrganizerName,
		"startDateUTC": stamp(m.Start), "endDateUTC": stamp(m.End), "creationDateUTC": stamp(created),
		"isPrivate": m.Private, "isCancelled": m.Cancelled, "imageUrl": nil,
	}
	if m.ImageURL != "" {
		out["imageUrl"] = m.ImageURL
	}
	if n, err := strconv.Atoi(m.ID); err == nil && s.quirks.Numbers {
		out["meetingId"] = n
	}
	for k, v := range out {
		empty := v == "" || v == false || v == nil
		if empty && s.quirks.Sparse {
			delete(out, k)
		} else if empty && s.quirks.Nulls && v != false {
			out[k] = nil
		}
	}
	if m.Broken {
		out["startDateUTC"] = "tomorrow"
	}
	for k, v := range m.More {
		out[k] = v
	}
	return out
}

// wire is what a client may send; the contract wants every field but the picture and the id.
type wire struct {
	ID            *string `json:"meetingId"`
	Subject       *string `json:"subject"`
	OrganizerID   *string `json:"organizerId"`
	OrganizerName *string `json:"organizerName"`
	Start         *string `json:"startDateUTC"`
	End           *string `json:"endDateUTC"`
	Created       *string `json:"creationDateUTC"`
	Private       *bool   `json:"isPrivate"`
	Cancelled     *bool   `json:"isCancelled"`
	ImageURL      *string `json:"imageUrl"`
}

// parse reads a meeting strictly; fields that are missing keep what old has, when there is an old one.
func (s *Server) parse(body []byte, old *Meeting) (*Meeting, error) {
	var in wire
	var all map[string]any
	if s.quirks.Numbers { // a system whose ids are numbers takes them back as such
		var loose map[string]any
		if json.Unmarshal(body, &loose) == nil {
			delete(loose, "meetingId")
			body, _ = json.Marshal(loose)
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	m := &Meeting{}
	if old != nil {
		*m = *old
	}
	for name, v := range all {
		if v == nil && name != "imageUrl" {
			return nil, fmt.Errorf("%s is null", name)
		}
	}
	text := func(p *string, into *string) error {
		if p != nil {
			*into = *p
		} else if old == nil {
			return fmt.Errorf("a field is missing")
		}
		return nil
	}
	stamp := func(p *string, into *time.Time) error {
		if p == nil {
			if old == nil {
				return fmt.Errorf("a time is missing")
			}
			return nil
		}
		var err error
		if *into, err = time.Parse(time.RFC3339, *p); err != nil {
			*into, err = time.Parse(cmp.Or(s.quirks.Layout, time.RFC3339), *p)
		}
		*into = into.UTC()
		return err
	}
	for _, err := range []error{
		text(in.Subject, &m.Subject), text(in.OrganizerID, &m.OrganizerID), text(in.OrganizerName, &m.OrganizerName),
		stamp(in.Start, &m.Start), stamp(in.End, &m.End),
	} {
		if err != nil {
			return nil, err
		}
	}
	if in.Private != nil {
		m.Private = *in.Private
	}
	if in.Cancelled != nil {
		m.Cancelled = *in.Cancelled && !s.quirks.NeverCancels
	}
	if !m.Start.Before(m.End) {
		return nil, fmt.Errorf("the end is not after the start")
	}
	return m, nil
}

func (s *Server) taken(room string, m *Meeting) bool {
	for _, o := range s.held[room] {
		if o.ID != m.ID && !o.Cancelled && !m.Cancelled && o.Start.Before(m.End) && m.Start.Before(o.End) {
			return true
		}
	}
	return false
}

func (s *Server) create(w http.ResponseWriter, room string, body []byte) {
	m, err := s.parse(body, nil)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.seq++
	m.ID = fmt.Sprint(s.seq)
	m.Created = s.Now().Add(s.skew).UTC().Truncate(time.Second)
	if s.quirks.OwnOrganizer {
		m.OrganizerID = "account-7"
	}
	if s.quirks.Refuses && s.taken(room, m) {
		w.WriteHeader(http.StatusConflict)
		return
	}
	s.held[room] = append(s.held[room], m)
	if s.quirks.Silent {
		w.WriteHeader(http.StatusCreated)
		return
	}
	answer(w, http.StatusCreated, s.write(m))
}

func (s *Server) update(w http.ResponseWriter, room, id string, body []byte) {
	for i, old := range s.held[room] {
		if old.ID != id || old.Cancelled {
			continue
		}
		m, err := s.parse(body, old)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if s.quirks.Refuses && s.taken(room, m) {
			w.WriteHeader(http.StatusConflict)
			return
		}
		if now := s.Now().Add(s.skew).UTC(); s.quirks.EndsRunning && !old.Start.After(now) && (m.Cancelled || !m.End.After(now)) {
			m.Cancelled, m.End = false, now.Truncate(time.Minute)
			if first := m.Start.Add(time.Minute); m.End.Before(first) {
				m.End = first
			}
		}
		s.held[room][i] = m
		if s.quirks.Silent {
			w.WriteHeader(http.StatusOK)
			return
		}
		answer(w, http.StatusOK, s.write(m))
		return
	}
	w.WriteHeader(http.StatusNotFound)
}
