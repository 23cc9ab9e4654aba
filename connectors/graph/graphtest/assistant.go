package graphtest

import (
	"slices"
	"strings"
	"time"
)

// invitation is a meeting, its change or its end, that waits for a room's answer.
type invitation struct {
	due  time.Time
	from string // the organizer's mailbox
	room string
	id   string // of the organizer's event
	uid  string
	gone bool
}

// tellRooms sends a meeting to the rooms that it invites.
func (s *Server) tellRooms(b *mailbox, i *item, gone bool) {
	for _, a := range i.attendees {
		room := s.boxes[strings.ToLower(a.Address)]
		if a.Type == "resource" && room != nil && room.room && !s.Quirks.NeverAnswer {
			s.pending = append(s.pending, invitation{s.Now().Add(s.Quirks.AnswerAfter), b.address, room.address, i.id, i.uid, gone})
		}
	}
}

// decide lets the rooms answer what is due, as an automatic room does: what overlaps is declined.
func (s *Server) decide() {
	now := s.Now()
	var later []invitation
	for _, inv := range s.pending {
		if inv.due.After(now) {
			later = append(later, inv)
			continue
		}
		s.answerInvitation(inv)
	}
	s.pending = later
}

func (s *Server) answerInvitation(inv invitation) {
	from, room := s.boxes[strings.ToLower(inv.from)], s.boxes[strings.ToLower(inv.room)]
	if from == nil || room == nil {
		return
	}
	var copied *item
	for _, i := range room.items {
		if i.uid == inv.uid {
			copied = i
		}
	}
	if inv.gone {
		switch {
		case copied == nil:
		case s.Quirks.Processing.KeepCancelled:
			copied.cancelled = true
			s.touch(room, copied)
		default:
			s.drop(room, copied)
		}
		return
	}
	meeting := from.items[inv.id]
	if meeting == nil {
		return
	}
	taken := slices.ContainsFunc(room.view(meeting.start, meeting.end), func(i *item) bool {
		return i != copied && !i.cancelled && i.showAs != "free"
	})
	answer := "accepted"
	if taken {
		answer = "declined"
	}
	for n := range meeting.attendees {
		if strings.EqualFold(meeting.attendees[n].Address, room.address) {
			meeting.attendees[n].Response = answer
		}
	}
	s.touch(from, meeting)
	if taken {
		s.drop(room, copied)
		return
	}
	i := &item{
		kind: "singleInstance", zone: time.UTC, props: map[string]string{}, showAs: meeting.showAs, created: s.stamp(),
		orgName: from.name, orgAddr: from.address, response: "accepted", uid: inv.uid,
	}
	if copied != nil {
		i = copied
	} else {
		i.id, _ = s.newID()
	}
	i.subject, i.sensitivity, i.start, i.end = meeting.subject, meeting.sensitivity, meeting.start, meeting.end
	if s.Quirks.Processing.OrganizerAsSubject {
		i.subject = from.name + " "
	}
	if s.Quirks.Processing.RemovePrivate {
		i.sensitivity = "normal"
	}
	s.touch(room, i)
}
