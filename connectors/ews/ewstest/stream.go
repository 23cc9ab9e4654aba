package ewstest

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// subscription is one mailbox's calendar that somebody listens to.
type subscription struct {
	id     string
	box    *mailbox
	events []string
	stream *stream
}

// stream is one hanging connection.
type stream struct {
	subs []*subscription
	wake chan struct{}
	cut  chan struct{} // closed by Cut: the connection breaks
	end  time.Time
	beat time.Duration
}

// changed tells who listens that an item has changed. s.mu is held.
func (s *Server) changed(it *item, deleted bool) {
	if len(it.box.subs) == 0 {
		return
	}
	kind := "t:ModifiedEvent"
	if deleted {
		kind = "t:DeletedEvent"
	} else if it.seq == it.createdSeq {
		kind = "t:CreatedEvent"
	}
	e := `<` + kind + `>` + dateTime("t:TimeStamp", s.clock()) + `<t:ItemId Id="` + it.id() + `" ChangeKey="` + changeKey(it.seq) + `"/><t:ParentFolderId Id="` + folderID(it.box) + `" ChangeKey="AQAAAA=="/></` + kind + `>`
	for _, sub := range it.box.subs {
		if len(sub.events) < 100 {
			sub.events = append(sub.events, e)
		}
		if sub.stream != nil {
			select {
			case sub.stream.wake <- struct{}{}:
			default:
			}
		}
	}
}

func (s *Server) subscribe(q asked) (string, map[string]string) {
	b, r, f := s.folder(q, q.body.get("StreamingSubscriptionRequest", "FolderIds"))
	own := f == nil && (strings.EqualFold(or(q.as, q.user), b.address))
	switch {
	case f == nil && !own && s.quirks.NoDelegateSubs:
		f = &failure{code: "ErrorSubscriptionDelegateAccessNotSupported", text: "Subscriptions are not supported for delegate user access."}
	case f == nil && r < Reviewer:
		f = denied()
	}
	if f != nil {
		return responses("Subscribe", message("Subscribe", f, "")), nil
	}
	s.seq++
	sub := &subscription{id: encode("subscription %d", s.seq), box: b}
	s.subs[sub.id] = sub
	b.subs[sub.id] = sub
	header := map[string]string{"Set-Cookie": "X-BackEndOverrideCookie=mbx1.rooms.test~1941996295; path=/; secure; HttpOnly"}
	return responses("Subscribe", message("Subscribe", nil, tag("m:SubscriptionId", sub.id))), header
}

func (s *Server) unsubscribe(q asked) string {
	sub := s.subs[q.body.get("SubscriptionId").word()]
	if sub == nil {
		return responses("Unsubscribe", message("Unsubscribe", &failure{code: "ErrorSubscriptionNotFound"}, ""))
	}
	delete(s.subs, sub.id)
	delete(sub.box.subs, sub.id)
	return responses("Unsubscribe", message("Unsubscribe", nil, ""))
}

// Streams returns how many connections hang.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// CutStreams breaks all hanging connections in the middle of an envelope.
func (s *Server) CutStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		close(st.cut)
		delete(s.streams, st)
	}
}

// CloseStreams ends all hanging connections as after their time.
func (s *Server) CloseStreams() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := range s.streams {
		st.end = time.Time{}
		select {
		case st.wake <- struct{}{}:
		default:
		}
	}
}

// beforeStream checks a GetStreamingEvents; nil means that a holds the answer.
func (s *Server) beforeStream(q asked, a *answer) *stream {
	if f := s.busy(); f != nil {
		*a = s.fault(*f)
		return nil
	}
	s.mu.Lock()
	f := s.matching(q)
	s.mu.Unlock()
	if f != nil {
		if broken, ok := s.broken(q, f); ok {
			*a = broken
			return nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, _, f := s.right(q, q.as); q.as != "" && f != nil {
		*a = answer{status: http.StatusInternalServerError, body: soapFault(*f)}
		return nil
	}
	limit := s.quirks.MaxStreams
	if limit == 0 {
		limit = 10
	}
	st := &stream{wake: make(chan struct{}, 1), cut: make(chan struct{}), end: s.Now().Add(29 * time.Minute), beat: s.quirks.Heartbeat}
	if st.beat == 0 {
		st.beat = 30 * time.Second
	}
	var lost string
	q.body.each("SubscriptionId", func(e *el) {
		if sub := s.subs[e.word()]; sub != nil {
			st.subs = append(st.subs, sub)
		} else {
			lost += tag("m:SubscriptionId", e.word())
		}
	})
	*a = answer{status: http.StatusOK}
	switch {
	case len(s.streams) >= limit:
		a.body = envelope(failed(q.op, failure{code: "ErrorExceededConnectionCount", text: "You have exceeded the available concurrent connections for your account."}))
		return nil
	case lost != "":
		a.body = envelope(responses(q.op, message(q.op, &failure{code: "ErrorInvalidSubscription", text: "A subscription wasn't found."}, "<m:ErrorSubscriptionIds>"+lost+"</m:ErrorSubscriptionIds>")))
		return nil
	case len(st.subs) > 200:
		a.body = envelope(failed(q.op, failure{code: "ErrorInvalidSubscription", text: "Too many."}))
		return nil
	}
	for _, sub := range st.subs {
		sub.stream = st
	}
	s.streams[st] = true
	return st
}

// stream writes one envelope after the other until the connection ends.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, st *stream) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.streams, st)
		for _, sub := range st.subs {
			if sub.stream == st {
				sub.stream = nil
			}
		}
	}()
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	flush := http.NewResponseController(w)
	say := func(notifications, status string) bool {
		if notifications != "" {
			notifications = "<m:Notifications>" + notifications + "</m:Notifications>"
		}
		_, err := io.WriteString(w, envelope(responses("GetStreamingEvents", message("GetStreamingEvents", nil, notifications+tag("m:ConnectionStatus", status)))))
		return err == nil && flush.Flush() == nil
	}
	if !say("", "OK") {
		return
	}
	beat := time.NewTicker(st.beat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-st.cut:
			_, _ = io.WriteString(w, envelopeOpen+"<m:GetStreamingEventsResponse>")
			_ = flush.Flush()
			panic(http.ErrAbortHandler)
		case <-beat.C:
			if !say(`<m:Notification>`+tag("t:SubscriptionId", st.subs[0].id)+`<t:MoreEvents>false</t:MoreEvents><t:StatusEvent/></m:Notification>`, "OK") {
				return
			}
		case <-st.wake:
		}
		notes, done := s.pending(st)
		if notes != "" && !say(notes, "OK") {
			return
		}
		if done {
			say("", "Closed")
			return
		}
	}
}

// pending takes the notifications of a stream.
func (s *Server) pending(st *stream) (notes string, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, sub := range st.subs {
		if len(sub.events) > 0 {
			b.WriteString(`<m:Notification>` + tag("t:SubscriptionId", sub.id) + `<t:MoreEvents>false</t:MoreEvents>` + strings.Join(sub.events, "") + `</m:Notification>`)
			sub.events = nil
		}
	}
	return b.String(), !s.Now().Before(st.end)
}
