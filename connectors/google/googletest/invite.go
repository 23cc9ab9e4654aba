package googletest

// propagate brings an organizer's event to the calendars of its guests. The lock is held.
func (s *Server) propagate(c *calendar, d doc) {
	for _, g := range d.list("attendees") {
		room := s.calendars[g.text("email")]
		if room == nil || room == c || s.opt.Lost {
			continue
		}
		id := d.text("id")
		response := "needsAction"
		if old, ok := room.events[id]; ok {
			for _, h := range old.list("attendees") {
				if h["self"] == true {
					response = h.text("responseStatus")
				}
			}
		}
		copied := d.clone()
		copied["organizer"] = map[string]any{"email": c.id}
		if p := copied.sub("extendedProperties"); p != nil {
			delete(p, "private")
		}
		setSelf(copied, room.id, response)
		s.store(room, copied)
		if s.opt.AcceptAfter == 0 {
			s.decide(room, copied)
		}
	}
}

// withdraw removes the copies of a deleted event.
func (s *Server) withdraw(c *calendar, id string) {
	for _, room := range s.calendars {
		if d, ok := room.events[id]; ok && room != c && d.text("status") != "cancelled" {
			s.bury(room, id)
		}
	}
}

// respond tells the organizer's calendar what a guest answers.
func (s *Server) respond(c *calendar, d doc, response string) {
	org := s.calendars[d.sub("organizer").text("email")]
	if org == nil || org == c {
		return
	}
	own, ok := org.events[d.text("id")]
	if !ok || own.text("status") == "cancelled" {
		return
	}
	own = own.clone()
	setResponse(own, c.id, response)
	s.store(org, own)
}

// answerInvitation lets a room answer after its copy was read often enough.
func (s *Server) answerInvitation(c *calendar, d doc) {
	id := d.text("id")
	if c.user || s.opt.AcceptAfter == 0 || d.text("status") == "cancelled" {
		return
	}
	for _, g := range d.list("attendees") {
		if g["self"] == true && g.text("responseStatus") == "needsAction" {
			if c.reads[id]++; c.reads[id] >= s.opt.AcceptAfter {
				s.decide(c, d)
			}
		}
	}
}

// decide accepts for a room that is free, and declines otherwise, as resources do by themselves.
func (s *Server) decide(c *calendar, d doc) {
	if c.user || s.opt.NeverAnswer {
		return
	}
	response := "accepted"
	from, to, _ := c.span(d)
	for _, other := range c.collect("owner", from, to, true, 0, false) {
		if other.text("id") != d.text("id") && other.text("transparency") != "transparent" && !declined(other) {
			response = "declined"
		}
	}
	d = d.clone()
	setResponse(d, c.id, response)
	s.store(c, d)
	if response == "declined" && !s.opt.KeepsNo {
		s.bury(c, d.text("id"))
	}
	s.respond(c, d, response)
}

func declined(d doc) bool {
	for _, g := range d.list("attendees") {
		if g["self"] == true && g.text("responseStatus") == "declined" {
			return true
		}
	}
	return false
}

func setSelf(d doc, email, response string) {
	for _, g := range d.list("attendees") {
		delete(g, "self")
		if g.text("email") == email {
			g["self"], g["responseStatus"] = true, response
		}
	}
}

func setResponse(d doc, email, response string) {
	for _, g := range d.list("attendees") {
		if g.text("email") == email {
			g["responseStatus"] = response
		}
	}
}
