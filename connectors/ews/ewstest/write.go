package ewstest

import (
	"slices"
	"strings"
	"time"
)

func (s *Server) createItem(q asked) string {
	var out []string
	fail := func(f *failure) { out = append(out, message("CreateItem", f, "<m:Items/>")) }
	for i := range q.body.get("Items").Kids {
		e := &q.body.get("Items").Kids[i]
		switch e.XMLName.Local {
		case "CalendarItem":
			b, f := s.writable(q, q.body.get("SavedItemFolderId"))
			if f != nil {
				fail(f)
				continue
			}
			it, f := s.newItem(b, e)
			if f != nil {
				fail(f)
				continue
			}
			if q.body.attr("SendMeetingInvitations") != "SendToNone" && len(it.resources)+len(it.required) > 0 {
				s.invite(it)
			}
			out = append(out, message("CreateItem", nil, `<m:Items><t:CalendarItem><t:ItemId Id="`+it.id()+`" ChangeKey="`+changeKey(it.seq)+`"/></t:CalendarItem></m:Items>`))
		case "DeclineItem":
			if f := s.decline(q, e); f != nil {
				fail(f)
				continue
			}
			out = append(out, message("CreateItem", nil, "<m:Items/>"))
		default:
			fail(&failure{code: "ErrorUnsupportedTypeForConversion"})
		}
	}
	return responses("CreateItem", out...)
}

// writable resolves a folder to which the caller may write.
func (s *Server) writable(q asked, e *el) (*mailbox, *failure) {
	if !e.is() { // no folder named: the caller's own calendar
		return s.boxes[strings.ToLower(or(q.as, q.user))], nil
	}
	b, r, f := s.folder(q, e)
	switch {
	case f != nil:
		return nil, f
	case r == None:
		return nil, denied()
	case r < Editor:
		return nil, &failure{code: "ErrorCreateItemAccessDenied", text: "The caller does not have the right to create items in this folder."}
	}
	return b, nil
}

func (s *Server) newItem(b *mailbox, e *el) (*item, *failure) {
	s.seq++
	it := &item{n: s.seq, box: b, created: s.clock(), createdSeq: s.seq, deleted: map[string]bool{}, exceptions: map[string]*fields{}}
	it.fields = fields{sensitivity: "Normal", busy: "Busy", props: map[string]string{}, modified: it.created, seq: s.seq}
	it.uid, it.response, it.organizer = encode("uid %d", it.n), "Organizer", person{b.name, b.address}
	for i := range e.Kids {
		if f := s.set(it, &it.fields, &e.Kids[i]); f != nil {
			return nil, f
		}
	}
	if it.start.IsZero() || it.end.IsZero() {
		return nil, &failure{code: "ErrorCalendarInvalidTimeZone", text: "The item has no times."}
	}
	if it.end.Before(it.start) {
		return nil, &failure{code: "ErrorCalendarEndDateIsEarlierThanStartDate", text: "EndDate is earlier than StartDate"}
	}
	it.meeting = len(it.resources)+len(it.required) > 0
	b.items[it.n] = it
	s.changed(it, false)
	return it, nil
}

// set takes one property of a CalendarItem.
func (s *Server) set(it *item, f *fields, e *el) *failure {
	switch e.XMLName.Local {
	case "Subject":
		f.subject = e.Text
	case "Body":
		f.body = e.Text
	case "Sensitivity":
		f.sensitivity = e.word()
	case "LegacyFreeBusyStatus":
		f.busy = e.word()
	case "Location":
		f.location = e.Text
	case "IsAllDayEvent":
		f.allDay = e.word() == "true"
	case "Start", "End":
		t, ok := instant(e.Text)
		if !ok {
			return &failure{code: "ErrorInvalidPropertySet", text: "The time can't be read."}
		}
		if e.XMLName.Local == "Start" {
			f.start = t.In(it.box.zone)
		} else {
			f.end = t.In(it.box.zone)
		}
	case "UID":
		if !s.quirks.NoUID {
			it.uid = e.word()
		}
	case "ExtendedProperty":
		if f.props == nil {
			f.props = map[string]string{}
		}
		f.props[e.get("ExtendedFieldURI").attr("PropertyName")] = e.get("Value").Text
	case "Resources", "RequiredAttendees":
		var list []attendee
		for _, a := range e.Kids {
			address := a.get("Mailbox", "EmailAddress").word()
			list = append(list, attendee{person{address, address}, "Unknown"})
		}
		if e.XMLName.Local == "Resources" {
			it.resources = list
		} else {
			it.required = list
		}
	}
	return nil
}

func (s *Server) updateItem(q asked) string {
	var out []string
	fail := func(f *failure) { out = append(out, message("UpdateItem", f, "<m:Items/>")) }
	for i := range q.body.get("ItemChanges").Kids {
		change := &q.body.get("ItemChanges").Kids[i]
		ref := &change.Kids[0]
		o, r, f := s.pick(q, ref)
		if f == nil && r < Editor {
			f = denied()
		}
		if f == nil {
			f = s.conflict(q, ref, o)
		}
		if f != nil {
			fail(f)
			continue
		}
		if f := s.apply(&o, change.get("Updates")); f != nil {
			fail(f)
			continue
		}
		if q.body.attr("SendMeetingInvitationsOrCancellations") != "SendToNone" && o.it.response == "Organizer" && o.it.meeting {
			s.invite(o.it)
		}
		out = append(out, message("UpdateItem", nil, `<m:Items><t:CalendarItem><t:ItemId Id="`+o.id()+`" ChangeKey="`+changeKey(o.f.seq)+`"/></t:CalendarItem></m:Items><m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>`))
	}
	return responses("UpdateItem", out...)
}

// conflict compares the change key with the newest.
func (s *Server) conflict(q asked, ref *el, o occurrence) *failure {
	key := ref.attr("ChangeKey")
	if s.quirks.IgnoreChangeKey || q.body.attr("ConflictResolution") != "NeverOverwrite" {
		return nil
	}
	if key == "" {
		return &failure{code: "ErrorChangeKeyRequiredForWriteOperations", text: "A change key is required."}
	}
	if key != changeKey(o.f.seq) {
		return &failure{code: "ErrorIrresolvableConflict", text: "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item."}
	}
	return nil
}

// apply changes the fields that Updates names.
func (s *Server) apply(o *occurrence, updates *el) *failure {
	before := *o.f
	o.own()
	for i := range updates.Kids {
		u := &updates.Kids[i]
		if u.XMLName.Local == "DeleteItemField" {
			delete(o.f.props, u.get("ExtendedFieldURI").attr("PropertyName"))
			continue
		}
		for j := range u.get("CalendarItem").Kids {
			if f := s.set(o.it, o.f, &u.get("CalendarItem").Kids[j]); f != nil {
				return f
			}
		}
	}
	if o.f.end.Before(o.f.start) {
		*o.f = before
		return &failure{code: "ErrorCalendarEndDateIsEarlierThanStartDate", text: "EndDate is earlier than StartDate"}
	}
	s.touch(o.it, o.f)
	return nil
}

func (s *Server) deleteItem(q asked) string {
	var out []string
	for i := range q.body.get("ItemIds").Kids {
		o, r, f := s.pick(q, &q.body.get("ItemIds").Kids[i])
		if f == nil && r < Editor {
			f = denied()
		}
		if f != nil {
			out = append(out, message("DeleteItem", f, ""))
			continue
		}
		if q.body.attr("SendMeetingCancellations") != "SendToNone" && o.it.response == "Organizer" && o.it.meeting {
			s.due = append(s.due, letter{at: s.Now().Add(s.delay(o.it)), item: o.it, cancel: true})
		}
		s.drop(o)
		out = append(out, message("DeleteItem", nil, ""))
	}
	return responses("DeleteItem", out...)
}

// drop removes an item, or one occurrence of it.
func (s *Server) drop(o occurrence) {
	if o.original.IsZero() {
		s.remove(o.it)
		return
	}
	key := o.original.UTC().Format(stamp)
	delete(o.it.exceptions, key)
	o.it.deleted[key] = true
	s.touch(o.it, &o.it.fields)
}

// decline answers an invitation for the room: the organizer is told, and the time is free.
func (s *Server) decline(q asked, e *el) *failure {
	ref := e.get("ReferenceItemId")
	o, r, f := s.pick(q, ref)
	switch {
	case f != nil:
		return f
	case r < EditorSends:
		return &failure{code: "ErrorSendAsDenied", text: "The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account."}
	case !o.it.meeting || o.it.response == "Organizer":
		return &failure{code: "ErrorCalendarIsOrganizerForDecline", text: "The organizer can't decline."}
	}
	s.answer(o.it, "Decline", e.get("Body").Text)
	s.drop(o)
	return nil
}

// letter is a meeting message on its way to the rooms of a meeting.
type letter struct {
	at     time.Time
	item   *item
	cancel bool
}

// Answer is what an organizer has been told.
type Answer struct{ Organizer, From, Response, Text string }

func (s *Server) delay(it *item) time.Duration {
	d := time.Duration(0)
	for _, a := range it.resources {
		if b := s.boxes[strings.ToLower(a.address)]; b != nil {
			d = max(d, b.process.Delay)
		}
	}
	return d
}

// invite sends a meeting, or a change of it, to its rooms.
func (s *Server) invite(it *item) {
	for i := range it.resources {
		it.resources[i].response = "Unknown"
	}
	s.due = append(s.due, letter{at: s.Now().Add(s.delay(it)), item: it})
}

// settle delivers what has arrived by now.
func (s *Server) settle() {
	now := s.Now()
	var later []letter
	due := s.due
	s.due = nil
	for _, l := range due {
		if l.at.After(now) {
			later = append(later, l)
			continue
		}
		for i := range l.item.resources {
			if b := s.boxes[strings.ToLower(l.item.resources[i].address)]; b != nil && b.room && !b.process.Off {
				l.item.resources[i].response = s.assist(b, l)
			}
		}
		if !l.cancel {
			s.touch(l.item, &l.item.fields)
		}
	}
	s.due = append(s.due, later...)
}

// assist is a room's booking assistant: it takes what fits and declines the rest.
func (s *Server) assist(b *mailbox, l letter) string {
	var copied *item
	for _, it := range s.sortedItems(b) {
		if it.uid == l.item.uid {
			copied = it
		}
	}
	if l.cancel {
		if copied != nil && s.quirks.KeepCancelled {
			copied.cancelled, copied.subject = true, "Canceled: "+copied.subject
			s.touch(copied, &copied.fields)
		} else if copied != nil {
			s.remove(copied)
		}
		return "Unknown"
	}
	taken := slices.ContainsFunc(s.view(b, l.item.start, l.item.end, false), func(o occurrence) bool {
		return o.it != copied && o.f.busy != "Free" && !o.f.cancelled
	})
	if taken || b.process.DeclineEveryone {
		if copied != nil {
			s.remove(copied)
		}
		return "Decline"
	}
	if copied == nil {
		s.seq++
		copied = &item{n: s.seq, box: b, created: s.clock(), createdSeq: s.seq, deleted: map[string]bool{}, exceptions: map[string]*fields{}}
		b.items[copied.n] = copied
	}
	copied.uid, copied.meeting, copied.response, copied.organizer = l.item.uid, true, "Accept", l.item.organizer
	copied.fields = l.item.fields
	copied.props = map[string]string{} // named properties stay with the organizer
	if b.process.ReplaceSubject {
		copied.subject = copied.organizer.name + " "
	}
	if b.process.RemovePrivate {
		copied.sensitivity = "Normal"
	}
	s.touch(copied, &copied.fields)
	return "Accept"
}

// answer tells an organizer of a room's answer.
func (s *Server) answer(it *item, response, text string) {
	s.answers = append(s.answers, Answer{it.organizer.address, it.box.address, response, text})
}

// Answers returns what organizers were told by rooms that declined later on.
func (s *Server) Answers() []Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers)
}
