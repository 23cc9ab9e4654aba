package ewstest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// right returns what the caller may do in a mailbox's calendar.
func (s *Server) right(q asked, address string) (*mailbox, Right, *failure) {
	b := s.boxes[strings.ToLower(address)]
	if q.as != "" {
		target := s.boxes[q.as]
		switch {
		case target == nil:
			return nil, None, &failure{code: "ErrorNonExistentMailbox", text: "The SMTP address has no mailbox associated with it."}
		case !s.imperson || !target.room:
			return nil, None, &failure{code: "ErrorImpersonateUserDenied", text: "The account does not have permission to impersonate the requested user."}
		}
	}
	switch {
	case b == nil:
		return nil, None, &failure{code: "ErrorNonExistentMailbox", text: "The SMTP address has no mailbox associated with it."}
	case q.as != "" && strings.EqualFold(q.as, address), q.as == "" && strings.EqualFold(q.user, address):
		return b, EditorSends, nil
	case q.as != "":
		return b, None, nil
	}
	return b, b.rights[q.user], nil
}

func denied() *failure {
	return &failure{code: "ErrorAccessDenied", text: "Access is denied. Check credentials and try again."}
}

// folder resolves the calendar folder that an element names, with the caller's right.
func (s *Server) folder(q asked, e *el) (*mailbox, Right, *failure) {
	if d := e.get("DistinguishedFolderId"); d.is() {
		if id := d.attr("Id"); id != "calendar" && id != "msgfolderroot" && id != "root" {
			return nil, None, &failure{code: "ErrorFolderNotFound", text: "The specified folder could not be found in the store."}
		}
		address := d.get("Mailbox", "EmailAddress").word()
		if address == "" {
			if address = q.as; address == "" {
				address = q.user
			}
		}
		return s.right(q, address)
	}
	raw, err := base64.StdEncoding.DecodeString(e.get("FolderId").attr("Id"))
	address, ok := strings.CutPrefix(string(raw), "folder calendar of ")
	if err != nil || !ok {
		return nil, None, &failure{code: "ErrorInvalidIdMalformed", text: "Id is malformed."}
	}
	return s.right(q, address)
}

func folderID(b *mailbox) string { return encode("folder calendar of %s", b.address) }

func (s *Server) getFolder(q asked) string {
	var out []string
	for i := range q.body.get("FolderIds").Kids {
		k := q.body.get("FolderIds").Kids[i]
		b, r, f := s.folder(q, &el{Kids: []el{k}})
		if f == nil && r == None && !s.quirks.EmptyForbidden {
			f = denied()
		}
		if f != nil {
			out = append(out, message("GetFolder", f, "<m:Folders/>"))
			continue
		}
		write := r >= Editor
		out = append(out, message("GetFolder", nil, `<m:Folders><t:CalendarFolder><t:FolderId Id="`+folderID(b)+`" ChangeKey="AQAAAA=="/>`+
			`<t:ParentFolderId Id="`+encode("folder root of %s", b.address)+`" ChangeKey="AQAAAA=="/>`+
			`<t:FolderClass>IPF.Appointment</t:FolderClass><t:DisplayName>Calendar</t:DisplayName><t:TotalCount>`+strconv.Itoa(len(b.items))+`</t:TotalCount><t:ChildFolderCount>0</t:ChildFolderCount>`+
			`<t:EffectiveRights><t:CreateAssociated>false</t:CreateAssociated>`+boolean("t:CreateContents", write)+`<t:CreateHierarchy>false</t:CreateHierarchy>`+
			`<t:Delete>false</t:Delete><t:Modify>false</t:Modify>`+boolean("t:Read", r >= Reviewer)+`<t:ViewPrivateItems>false</t:ViewPrivateItems></t:EffectiveRights>`+
			`</t:CalendarFolder></m:Folders>`))
	}
	return responses("GetFolder", out...)
}

// shape is which properties a request asks for.
type shape struct {
	all  bool
	uris map[string]bool
}

func shapeOf(q asked) shape {
	e := q.body.get("ItemShape")
	sh := shape{all: e.get("BaseShape").word() != "IdOnly", uris: map[string]bool{}}
	for _, k := range e.get("AdditionalProperties").Kids {
		sh.uris[k.attr("FieldURI")] = true
		if name := k.attr("PropertyName"); name != "" {
			sh.uris["property:"+name] = true
		}
	}
	return sh
}

// want reports whether a property was asked for; some come only by name.
func (sh shape) want(uri string) bool {
	return sh.uris[uri] || sh.all && uri != "item:Attachments"
}

// xml writes one occurrence in the order of the schema.
func (o occurrence) xml(sh shape) string {
	var b strings.Builder
	f, it := o.f, o.it
	add := func(uri, text string) {
		if sh.want(uri) {
			b.WriteString(text)
		}
	}
	fmt.Fprintf(&b, `<t:ItemId Id="%s" ChangeKey="%s"/>`, o.id(), changeKey(f.seq))
	add("item:Subject", tag("t:Subject", f.subject))
	add("item:Sensitivity", tag("t:Sensitivity", f.sensitivity))
	if f.body != "" && sh.uris["item:Body"] {
		b.WriteString(`<t:Body BodyType="Text">` + esc(f.body) + `</t:Body>`)
	}
	if len(f.attachments) > 0 {
		add("item:Attachments", o.attachments())
	}
	add("item:DateTimeCreated", dateTime("t:DateTimeCreated", it.created))
	add("item:HasAttachments", boolean("t:HasAttachments", len(f.attachments) > 0))
	for name, v := range f.props {
		if sh.uris["property:"+name] {
			b.WriteString(`<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="` + name + `" PropertyType="String"/>` + tag("t:Value", v) + `</t:ExtendedProperty>`)
		}
	}
	add("item:LastModifiedTime", dateTime("t:LastModifiedTime", f.modified))
	add("calendar:UID", tag("t:UID", it.uid))
	if !o.original.IsZero() {
		add("calendar:RecurrenceId", dateTime("t:RecurrenceId", o.original))
	}
	if f.broken {
		add("calendar:Start", tag("t:Start", "tomorrow"))
	} else {
		add("calendar:Start", dateTime("t:Start", o.start))
	}
	add("calendar:End", dateTime("t:End", o.end))
	add("calendar:IsAllDayEvent", boolean("t:IsAllDayEvent", f.allDay))
	add("calendar:LegacyFreeBusyStatus", tag("t:LegacyFreeBusyStatus", f.busy))
	if f.location != "" {
		add("calendar:Location", tag("t:Location", f.location))
	}
	add("calendar:IsMeeting", boolean("t:IsMeeting", it.meeting))
	add("calendar:IsCancelled", boolean("t:IsCancelled", f.cancelled))
	add("calendar:IsRecurring", boolean("t:IsRecurring", it.rule != nil && !o.original.IsZero()))
	add("calendar:CalendarItemType", tag("t:CalendarItemType", o.kind))
	add("calendar:MyResponseType", tag("t:MyResponseType", it.response))
	if it.organizer.name != "" {
		add("calendar:Organizer", `<t:Organizer>`+it.organizer.xml()+`</t:Organizer>`)
	}
	if len(it.resources) > 0 && sh.uris["calendar:Resources"] {
		b.WriteString("<t:Resources>")
		for _, a := range it.resources {
			b.WriteString("<t:Attendee>" + a.xml() + tag("t:ResponseType", a.response) + "</t:Attendee>")
		}
		b.WriteString("</t:Resources>")
	}
	if it.rule != nil && o.original.IsZero() {
		add("calendar:Recurrence", it.recurrence())
		add("calendar:ModifiedOccurrences", it.modifiedXML())
		add("calendar:DeletedOccurrences", it.deletedXML())
	}
	if it.zone != "" {
		add("calendar:StartTimeZone", `<t:StartTimeZone Id="`+esc(it.zone)+`"/>`)
	}
	return "<t:CalendarItem>" + b.String() + "</t:CalendarItem>"
}

func (p person) xml() string {
	return "<t:Mailbox>" + tag("t:Name", p.name) + tag("t:EmailAddress", p.address) + "<t:RoutingType>SMTP</t:RoutingType></t:Mailbox>"
}

func (o occurrence) attachments() string {
	var b strings.Builder
	for i, a := range o.f.attachments {
		fmt.Fprintf(&b, `<t:FileAttachment><t:AttachmentId Id="%s"/>%s%s<t:Size>%d</t:Size>%s</t:FileAttachment>`,
			encode("attachment %d %s", i, o.id()), tag("t:Name", a.Name), tag("t:ContentType", a.Type), len(a.Data), boolean("t:IsInline", a.Inline))
	}
	return "<t:Attachments>" + b.String() + "</t:Attachments>"
}

func (s *Server) findItem(q asked) string {
	b, r, f := s.folder(q, q.body.get("ParentFolderIds"))
	if f == nil && r < Reviewer {
		if s.quirks.EmptyForbidden {
			return responses("FindItem", message("FindItem", nil, `<m:RootFolder TotalItemsInView="0" IncludesLastItemInRange="true"><t:Items/></m:RootFolder>`))
		}
		f = denied()
	}
	if f != nil {
		return responses("FindItem", message("FindItem", f, ""))
	}
	var list []occurrence
	limit, whole := 1000, true
	if v := q.body.get("CalendarView"); v.is() {
		from, ok1 := instant(v.attr("StartDate"))
		to, ok2 := instant(v.attr("EndDate"))
		if !ok1 || !ok2 || to.Sub(from) > 2*366*24*time.Hour {
			return responses("FindItem", message("FindItem", &failure{code: "ErrorCalendarViewRangeTooBig", text: "The view is longer than two years."}, ""))
		}
		if s.quirks.MaxView > 0 {
			limit = s.quirks.MaxView
		}
		if n, err := strconv.Atoi(v.attr("MaxEntriesReturned")); err == nil {
			limit = min(limit, n)
		}
		list = s.view(b, from, to, s.quirks.Masters)
	} else {
		if s.quirks.NoRestriction && q.body.get("Restriction").is() {
			return responses("FindItem", message("FindItem", &failure{code: "ErrorUnsupportedPathForQuery"}, ""))
		}
		list = s.search(b, q.body.get("Restriction"))
		if n, err := strconv.Atoi(q.body.get("IndexedPageItemView").attr("MaxEntriesReturned")); err == nil {
			limit = min(limit, n)
		}
	}
	total := len(list)
	if len(list) > limit {
		list, whole = list[:limit], false
	}
	sh := shapeOf(q)
	var items strings.Builder
	for _, o := range list {
		items.WriteString(o.xml(sh))
	}
	return responses("FindItem", message("FindItem", nil, fmt.Sprintf(`<m:RootFolder TotalItemsInView="%d" IncludesLastItemInRange="%t"><t:Items>%s</t:Items></m:RootFolder>`, total, whole, items.String())))
}

// search returns the items whose public string has a value; without a restriction all.
func (s *Server) search(b *mailbox, restriction *el) []occurrence {
	name, value := "", ""
	restriction.each("ExtendedFieldURI", func(e *el) { name = e.attr("PropertyName") })
	restriction.each("Constant", func(e *el) { value = e.attr("Value") })
	var out []occurrence
	for _, it := range s.sortedItems(b) {
		if name != "" && it.props[name] != value {
			continue
		}
		if o, ok := s.find(it.id()); ok {
			out = append(out, o)
		}
	}
	return out
}

// pick resolves an ItemId or an OccurrenceItemId.
func (s *Server) pick(q asked, e *el) (occurrence, Right, *failure) {
	missing := &failure{code: "ErrorItemNotFound", text: "The specified object was not found in the store."}
	id := e.attr("Id")
	if e.XMLName.Local == "OccurrenceItemId" {
		master, ok := s.find(e.attr("RecurringMasterId"))
		if !ok {
			return occurrence{}, None, missing
		}
		n, err := strconv.Atoi(e.attr("InstanceIndex"))
		all := master.it.originals(master.start.AddDate(20, 0, 0))
		if err != nil || n < 1 || n > len(all) {
			return occurrence{}, None, &failure{code: "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", text: "Occurrence index is out of recurrence range."}
		}
		id = master.it.occurrenceID(all[n-1].UTC().Format(stamp))
		if master.it.deleted[all[n-1].UTC().Format(stamp)] {
			return occurrence{}, None, &failure{code: "ErrorCalendarOccurrenceIsDeletedFromRecurrence", text: "Occurrence is deleted."}
		}
	}
	o, ok := s.find(id)
	if !ok {
		return o, None, missing
	}
	_, r, f := s.right(q, o.it.box.address)
	if f == nil && r < Reviewer {
		f = denied()
	}
	return o, r, f
}

func (s *Server) getItem(q asked) string {
	var out []string
	sh := shapeOf(q)
	for i := range q.body.get("ItemIds").Kids {
		o, _, f := s.pick(q, &q.body.get("ItemIds").Kids[i])
		if f != nil {
			out = append(out, message("GetItem", f, "<m:Items/>"))
			continue
		}
		out = append(out, message("GetItem", nil, "<m:Items>"+o.xml(sh)+"</m:Items>"))
	}
	return responses("GetItem", out...)
}

func (s *Server) getAttachment(q asked) string {
	var out []string
	for _, k := range q.body.get("AttachmentIds").Kids {
		raw, err := base64.StdEncoding.DecodeString(k.attr("Id"))
		f := strings.Fields(string(raw))
		if err != nil || len(f) != 3 {
			out = append(out, message("GetAttachment", &failure{code: "ErrorInvalidAttachmentId"}, ""))
			continue
		}
		o, ok := s.find(f[2])
		n, _ := strconv.Atoi(f[1])
		if !ok || n >= len(o.f.attachments) {
			out = append(out, message("GetAttachment", &failure{code: "ErrorAttachmentNotFound"}, ""))
			continue
		}
		a := o.f.attachments[n]
		out = append(out, message("GetAttachment", nil, `<m:Attachments><t:FileAttachment><t:AttachmentId Id="`+k.attr("Id")+`"/>`+tag("t:Name", a.Name)+
			tag("t:ContentType", a.Type)+tag("t:Content", base64.StdEncoding.EncodeToString(a.Data))+`</t:FileAttachment></m:Attachments>`))
	}
	return responses("GetAttachment", out...)
}

// syncFolderItems pages through what has changed since a state, at most 512 at once.
func (s *Server) syncFolderItems(q asked) string {
	b, r, f := s.folder(q, q.body.get("SyncFolderId"))
	if f == nil && r < Reviewer {
		f = denied()
	}
	since := 0
	if state := q.body.get("SyncState").word(); f == nil && state != "" {
		raw, err := base64.StdEncoding.DecodeString(state)
		var address string
		if n, scanned := fmt.Sscanf(string(raw), "state %d of %s", &since, &address); err != nil || scanned != nil || n != 2 || address != b.address {
			since = 0
			if !s.quirks.AnySyncState {
				f = &failure{code: "ErrorInvalidSyncStateData", text: "Synchronization state data is corrupt or otherwise invalid."}
			}
		}
	}
	if f != nil {
		return responses("SyncFolderItems", message("SyncFolderItems", f, ""))
	}
	type change struct {
		seq int
		xml string
	}
	var all []change
	for _, it := range b.items {
		if it.seq <= since {
			continue
		}
		kind := "t:Update"
		if it.createdSeq > since {
			kind = "t:Create"
		}
		all = append(all, change{it.seq, `<` + kind + `><t:CalendarItem><t:ItemId Id="` + it.id() + `" ChangeKey="` + changeKey(it.seq) + `"/></t:CalendarItem></` + kind + `>`})
	}
	for _, d := range b.removed {
		if d.seq > since && since > 0 {
			all = append(all, change{d.seq, `<t:Delete><t:ItemId Id="` + d.id + `" ChangeKey="` + changeKey(d.seq) + `"/></t:Delete>`})
		}
	}
	slices.SortFunc(all, func(x, y change) int { return x.seq - y.seq })
	limit := 512
	if n, err := strconv.Atoi(q.body.get("MaxChangesReturned").word()); err == nil {
		limit = min(limit, n)
	}
	last, next := true, max(since, 1)
	if len(all) > limit {
		all, last = all[:limit], false
	}
	var changes strings.Builder
	for _, c := range all {
		changes.WriteString(c.xml)
		next = c.seq
	}
	if last && next < s.seq {
		next = max(next, s.lastSeq(b))
	}
	return responses("SyncFolderItems", message("SyncFolderItems", nil, `<m:SyncState>`+encode("state %d of %s", next, b.address)+`</m:SyncState>`+
		boolean("m:IncludesLastItemInRange", last)+`<m:Changes>`+changes.String()+`</m:Changes>`))
}

// lastSeq is the number of the last change in a calendar.
func (s *Server) lastSeq(b *mailbox) int {
	last := 1
	for _, it := range b.items {
		last = max(last, it.seq)
	}
	for _, d := range b.removed {
		last = max(last, d.seq)
	}
	return last
}
