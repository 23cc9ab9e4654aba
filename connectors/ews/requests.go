package ews

import (
	"strconv"
	"strings"
	"time"

	"lintel/app/when"
	"lintel/connectors"
)

// The named properties that we leave on events, strings in the set of public ones.
const (
	propKey       = "X-Lintel-Key"       // Draft.Token
	propOrganizer = "X-Lintel-Organizer" // Draft.Organizer: the owner of the calendar is the organizer otherwise
	propCheckIn   = "X-Lintel-CheckIn"   // see connectors.Marker
	propClaim     = "X-Lintel-Claim"     // since when the event has its claim; see the package comment
)

// The order of elements below is that of the schema, which Exchange insists on.

func propertyURI(name string) string {
	return `<t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="` + name + `" PropertyType="String"/>`
}

func property(name, value string) string {
	return `<t:ExtendedProperty>` + propertyURI(name) + `<t:Value>` + escape(value) + `</t:Value></t:ExtendedProperty>`
}

func fieldURI(name string) string { return `<t:FieldURI FieldURI="` + name + `"/>` }

// calendarFolder addresses a room's calendar: as ourselves with its mailbox, impersonated without.
func (c *Conn) calendarFolder(address string) string {
	if c.cfg.Access == Impersonation {
		return `<t:DistinguishedFolderId Id="calendar"/>`
	}
	return `<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>` + escape(address) +
		`</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`
}

// eventShape asks for what an event needs, and for nothing else: no body, no attendees.
func eventShape() string {
	var b strings.Builder
	b.WriteString(`<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>`)
	for _, f := range []string{
		"item:Subject", "item:Sensitivity", "item:DateTimeCreated", "item:LastModifiedTime", "item:HasAttachments",
		"calendar:UID", "calendar:RecurrenceId", "calendar:Start", "calendar:End", "calendar:IsAllDayEvent",
		"calendar:LegacyFreeBusyStatus", "calendar:IsMeeting", "calendar:IsCancelled", "calendar:CalendarItemType",
		"calendar:MyResponseType", "calendar:Organizer",
	} {
		b.WriteString(fieldURI(f))
	}
	for _, p := range []string{propKey, propOrganizer, propCheckIn, propClaim} {
		b.WriteString(propertyURI(p))
	}
	b.WriteString(`</t:AdditionalProperties></m:ItemShape>`)
	return b.String()
}

// findWindow expands a calendar's events between two instants.
func findWindow(folder string, w when.Interval, limit int) string {
	return `<m:FindItem Traversal="Shallow">` + eventShape() +
		`<m:CalendarView MaxEntriesReturned="` + strconv.Itoa(limit) + `" StartDate="` + utc(w.From) + `" EndDate="` + utc(w.To) + `"/>` +
		`<m:ParentFolderIds>` + folder + `</m:ParentFolderIds></m:FindItem>`
}

// findKey looks for the event with a token, wherever it was moved to.
func findKey(folder, token string) string {
	return `<m:FindItem Traversal="Shallow">` + eventShape() +
		`<m:IndexedPageItemView MaxEntriesReturned="50" Offset="0" BasePoint="Beginning"/>` +
		`<m:Restriction><t:IsEqualTo>` + propertyURI(propKey) + `<t:FieldURIOrConstant><t:Constant Value="` + escape(token) +
		`"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>` +
		`<m:ParentFolderIds>` + folder + `</m:ParentFolderIds></m:FindItem>`
}

// itemRef addresses an event: by its own id, or as the nth occurrence of a series.
type itemRef struct {
	id, changeKey string
	master        string // with index, instead of id
	index         int
}

// element writes the reference; ItemId or, for answers to invitations, ReferenceItemId.
func (r itemRef) element(name string) string {
	change := ""
	if r.changeKey != "" {
		change = ` ChangeKey="` + escape(r.changeKey) + `"`
	}
	if r.index > 0 {
		return `<t:OccurrenceItemId RecurringMasterId="` + escape(r.master) + `"` + change + ` InstanceIndex="` + strconv.Itoa(r.index) + `"/>`
	}
	return `<t:` + name + ` Id="` + escape(r.id) + `"` + change + `/>`
}

func getItems(shape string, refs ...itemRef) string {
	var b strings.Builder
	b.WriteString(`<m:GetItem>` + shape + `<m:ItemIds>`)
	for _, r := range refs {
		b.WriteString(r.element("ItemId"))
	}
	b.WriteString(`</m:ItemIds></m:GetItem>`)
	return b.String()
}

// seriesShape asks for how a series recurs.
func seriesShape() string {
	return `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + fieldURI("calendar:Start") + fieldURI("calendar:End") +
		fieldURI("calendar:IsAllDayEvent") + fieldURI("calendar:Recurrence") + fieldURI("calendar:ModifiedOccurrences") +
		fieldURI("calendar:DeletedOccurrences") + `</t:AdditionalProperties></m:ItemShape>`
}

func attachmentShape() string {
	return `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + fieldURI("item:Attachments") +
		`</t:AdditionalProperties></m:ItemShape>`
}

func getAttachment(id string) string {
	return `<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="` + escape(id) + `"/></m:AttachmentIds></m:GetAttachment>`
}

// syncItems asks which items have changed since a state; "" = all.
func syncItems(folder, state string) string {
	s := ""
	if state != "" {
		s = `<m:SyncState>` + escape(state) + `</m:SyncState>`
	}
	return `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>` + folder + `</m:SyncFolderId>` +
		s + `<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>`
}

func getFolder(folder string) string {
	return `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + fieldURI("folder:EffectiveRights") +
		`</t:AdditionalProperties></m:FolderShape><m:FolderIds>` + folder + `</m:FolderIds></m:GetFolder>`
}

// createBooking writes an appointment, or with a room to invite a meeting.
func createBooking(folder string, d connectors.Draft, invite string) string {
	sensitivity := "Normal"
	if d.Private {
		sensitivity = "Private"
	}
	send, uid, resources := "SendToNone", "", ""
	if invite != "" {
		send, uid = "SendToAllAndSaveCopy", `<t:UID>`+escape(uidOf(d.Token))+`</t:UID>`
		resources = `<t:Resources><t:Attendee><t:Mailbox><t:EmailAddress>` + escape(invite) + `</t:EmailAddress></t:Mailbox></t:Attendee></t:Resources>`
	}
	organizer := ""
	if d.Organizer != "" {
		organizer = property(propOrganizer, d.Organizer)
	}
	return `<m:CreateItem SendMeetingInvitations="` + send + `"><m:SavedItemFolderId>` + folder + `</m:SavedItemFolderId><m:Items><t:CalendarItem>` +
		`<t:Subject>` + escape(d.Subject) + `</t:Subject><t:Sensitivity>` + sensitivity + `</t:Sensitivity><t:ReminderIsSet>false</t:ReminderIsSet>` +
		property(propKey, d.Token) + organizer + uid + `<t:Start>` + utc(d.From) + `</t:Start><t:End>` + utc(d.To) + `</t:End>` +
		`<t:LegacyFreeBusyStatus>Busy</t:LegacyFreeBusyStatus>` + resources + `</t:CalendarItem></m:Items></m:CreateItem>`
}

// uidOf is the UID of an invitation: the room's copy carries no property of ours, but the same UID.
func uidOf(token string) string { return uidPrefix + token }

const uidPrefix = "lintel-"

// set is one change of an item's field.
func set(field, element, value string) string {
	return `<t:SetItemField>` + fieldURI(field) + `<t:CalendarItem><t:` + element + `>` + escape(value) + `</t:` + element + `></t:CalendarItem></t:SetItemField>`
}

func setProperty(name, value string) string {
	return `<t:SetItemField>` + propertyURI(name) + `<t:CalendarItem>` + property(name, value) + `</t:CalendarItem></t:SetItemField>`
}

// updateItem changes fields of an event. With invitations the attendees are told.
func updateItem(r itemRef, resolution, send string, changes ...string) string {
	return `<m:UpdateItem ConflictResolution="` + resolution + `" MessageDisposition="SaveOnly" SendMeetingInvitationsOrCancellations="` + send + `">` +
		`<m:ItemChanges><t:ItemChange>` + r.element("ItemId") + `<t:Updates>` + strings.Join(changes, "") + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`
}

func deleteItem(r itemRef, send string) string {
	return `<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="` + send + `" AffectedTaskOccurrences="AllOccurrences">` +
		`<m:ItemIds>` + r.element("ItemId") + `</m:ItemIds></m:DeleteItem>`
}

func decline(r itemRef, note string) string {
	if note != "" {
		note = `<t:Body BodyType="Text">` + escape(note) + `</t:Body>`
	}
	return `<m:CreateItem MessageDisposition="SendOnly"><m:Items><t:DeclineItem>` + note +
		r.element("ReferenceItemId") + `</t:DeclineItem></m:Items></m:CreateItem>`
}

func getRoomLists() string { return `<m:GetRoomLists/>` }

func getRooms(list string) string {
	return `<m:GetRooms><m:RoomList><t:EmailAddress>` + escape(list) + `</t:EmailAddress></m:RoomList></m:GetRooms>`
}

func resolveNames(prefix string) string {
	return `<m:ResolveNames ReturnFullContactData="false" SearchScope="ActiveDirectory"><m:UnresolvedEntry>` + escape(prefix) + `</m:UnresolvedEntry></m:ResolveNames>`
}

func subscribe(folder string) string {
	return `<m:Subscribe><m:StreamingSubscriptionRequest><t:FolderIds>` + folder + `</t:FolderIds><t:EventTypes>` +
		`<t:EventType>CreatedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType><t:EventType>ModifiedEvent</t:EventType><t:EventType>MovedEvent</t:EventType>` +
		`</t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>`
}

func getStreamingEvents(ids []string) string {
	var b strings.Builder
	b.WriteString(`<m:GetStreamingEvents><m:SubscriptionIds>`)
	for _, id := range ids {
		b.WriteString(`<t:SubscriptionId>` + escape(id) + `</t:SubscriptionId>`)
	}
	b.WriteString(`</m:SubscriptionIds><m:ConnectionTimeout>29</m:ConnectionTimeout></m:GetStreamingEvents>`)
	return b.String()
}

// availability asks for the free and busy times of mailboxes, in UTC.
func availability(addresses []string, w when.Interval) string {
	const never = `<t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek>`
	const layout = "2006-01-02T15:04:05"
	var b strings.Builder
	b.WriteString(`<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias><t:StandardTime>` + never + `</t:StandardTime><t:DaylightTime>` + never +
		`</t:DaylightTime></t:TimeZone><m:MailboxDataArray>`)
	for _, a := range addresses {
		b.WriteString(`<t:MailboxData><t:Email><t:Address>` + escape(a) + `</t:Address></t:Email><t:AttendeeType>Room</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>`)
	}
	b.WriteString(`</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>` + w.From.UTC().Format(layout) + `</t:StartTime><t:EndTime>` +
		w.To.UTC().Format(layout) + `</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>` +
		`<t:RequestedView>FreeBusy</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`)
	return b.String()
}

// claimModified is the value of propClaim that makes LastModifiedTime count.
const claimModified = "modified"

func claimAt(t time.Time) string {
	if t.IsZero() {
		return claimModified
	}
	return utc(t)
}
