package store

// Class says what a column holds.
type Class int

// The classes. A column that stands in no class fails the schema test.
const (
	Plain    Class = iota + 1 // says nothing about a person by itself
	Personal                  // tells of a person, or who a row belongs to
	Secret                    // a credential, sealed or hashed; never exported, never shown
)

// Keep names how long rows of a table live. The rules are carried out by Retain (retention.go) for
// each building and ended local day, or, where noted, when the thing itself goes.
type Keep string

// The rules of retention. Numbers: reference products, section on privacy; the works council's questions
// are answered from this list.
const (
	KeepWhileUsed Keep = "while_used" // until an administrator deletes it
	KeepAgenda    Keep = "agenda"     // who and what of a booking: hosted at the midnight after it ended, or 3 months later if the building says so; synced one month at the latest
	KeepFacts     Keep = "facts"      // when and where, without a person: 2 years
	KeepPersons   Keep = "persons"    // until no account and no booking needs the person any more
	KeepSessions  Keep = "sessions"   // until they run out
	KeepTries     Keep = "tries"      // one day
	KeepLogs      Keep = "logs"       // 30 days
	KeepAudit     Keep = "audit"      // the lines stay; the link to a person goes with the person
)

// Table classifies every column of one table.
type Table struct {
	File    string // MainFile or ReadingsFile
	Name    string
	Keep    Keep
	Columns map[string]Class
}

func plain(names ...string) map[string]Class {
	m := make(map[string]Class, len(names))
	for _, n := range names {
		m[n] = Plain
	}
	return m
}

func with(m map[string]Class, c Class, names ...string) map[string]Class {
	for _, n := range names {
		m[n] = c
	}
	return m
}

// Registry is the register of all stored data: each column of each table of both files with its class,
// and each table with its rule. Anonymising, erasing, exporting, the privacy page and the backup work
// from it, and a test compares it with the live schema.
func Registry() []Table {
	p := plain
	return []Table{
		{MainFile, "organisation", KeepWhileUsed, p("id", "name", "language", "created_at")},
		{MainFile, "building", KeepWhileUsed, p("id", "name", "street", "postcode", "city", "country", "zone", "language", "working_days", "hosted_retention", "created_at", "deleted_at")},
		{MainFile, "opening_hours", KeepWhileUsed, p("building_id", "valid_from", "valid_to", "weekday", "opens", "closes")},
		{MainFile, "floor", KeepWhileUsed, p("id", "building_id", "name", "level", "created_at", "deleted_at")},
		{MainFile, "workspace", KeepWhileUsed, p("id", "floor_id", "kind", "name", "seats", "equipment", "show_subject", "show_organizer", "bookable", "created_at", "deleted_at")},
		{MainFile, "booking_system", KeepWhileUsed, with(p("id", "kind", "name", "url", "username", "ca_pem", "settings", "paused_at", "wait_until", "last_ok", "failing_since", "error_kind", "error_said", "checked_at", "checked_room", "check_steps", "created_at", "deleted_at"), Secret, "secrets")},
		{MainFile, "resource", KeepWhileUsed, with(p("id", "workspace_id", "system_id", "address", "writable", "last_ok", "last_changed", "last_booked", "failures", "failing_since", "wait_until", "error_kind", "error_said", "skipped", "warnings", "created_at", "deleted_at"), Secret, "secret", "cursor", "state")},
		{MainFile, "unsettled_booking", KeepTries, with(p("resource_id", "source", "from_at", "to_at", "created_at"), Personal, "token", "creator_id")},
		{MainFile, "unsettled_end", KeepTries, with(p("resource_id", "from_at", "was_at", "to_at", "created_at"), Personal, "ext_uid", "ext_original")},
		{MainFile, "person", KeepPersons, with(p("id", "created_at"), Personal, "name", "email")},
		{MainFile, "account", KeepWhileUsed, with(p("id", "language", "theme", "created_at", "disabled_at"), Personal, "person_id", "last_sign_in")},
		{MainFile, "identity", KeepWhileUsed, with(with(p("id", "account_id", "provider", "created_at"), Personal, "subject"), Secret, "password")},
		{MainFile, "role_grant", KeepWhileUsed, p("account_id", "role", "building_id")},
		{MainFile, "session", KeepSessions, with(with(p("created_at", "seen_at", "expires_at"), Personal, "account_id", "address", "agent"), Secret, "hash", "data")},
		{MainFile, "one_time_link", KeepSessions, with(with(p("purpose", "created_at", "expires_at", "used_at"), Personal, "account_id"), Secret, "hash")},
		{MainFile, "access_key", KeepWhileUsed, with(p("id", "name", "use", "may_book", "building_id", "system_id", "created_at", "ends_at", "used_at", "revoked_at"), Secret, "hash")},
		{MainFile, "sign_in_failure", KeepTries, with(p("at"), Secret, "key")},
		{MainFile, "series", KeepAgenda, p("id", "workspace_id", "rule", "first_wall", "minutes", "all_day", "zone", "private", "source", "created_at", "cancelled_at")},
		{MainFile, "series_person", KeepAgenda, with(p("series_id"), Personal, "subject", "organizer_id", "creator_id")},
		{MainFile, "booking", KeepFacts, with(p("id", "workspace_id", "hosted", "from_at", "to_at", "from_wall", "to_wall", "zone", "all_day", "private", "tentative", "source", "series_id", "original_wall", "created_at", "updated_at", "revision", "cancelled_at", "end_reason", "resource_id", "ext_rev", "ext_mine", "has_image", "anonymised_at"), Personal, "ext_key", "ext_uid", "ext_original", "token")},
		{MainFile, "booking_person", KeepAgenda, with(p("booking_id"), Personal, "subject", "organizer_id", "creator_id")},
		{MainFile, "display", KeepWhileUsed, with(p("id", "protocol", "state", "name", "workspace_id", "hardware_id", "model", "firmware", "width", "height", "palette", "encoding", "rotation", "template", "language", "soon_minutes", "mains", "show_image", "key_seen", "reenrol_until", "claim_started", "created_at", "approved_at", "seen_at", "next_wake_at", "address", "battery_percent", "battery_mv", "rssi", "wake_reason", "reported_refresh", "deleted_at"), Secret, "key_hash", "claim_code")},
		{MainFile, "picture", KeepWhileUsed, p("display_id", "hash", "rendered_at")},
		{MainFile, "display_log", KeepLogs, p("id", "display_id", "at", "level", "message")},
		{MainFile, "setting", KeepWhileUsed, p("key", "value")},
		{MainFile, "key_material", KeepWhileUsed, with(p("name", "created_at"), Secret, "sealed")},
		{MainFile, "job_mark", KeepWhileUsed, p("job", "scope", "day", "at")},
		{MainFile, "retention_run", KeepFacts, p("id", "building_id", "day", "at", "bookings", "series", "persons", "facts")},
		{MainFile, "destination", KeepWhileUsed, p("host", "port", "purpose", "first_at", "last_at", "count")},
		{MainFile, "audit", KeepAudit, with(p("id", "at", "actor_kind", "action", "object_kind", "object_id", "detail"), Personal, "actor")},
		{MainFile, "audit_pseudonym", KeepPersons, with(p(), Personal, "pseudonym", "person_id")},
		{ReadingsFile, "channel", KeepWhileUsed, p("id", "sensor", "quantity", "unit")},
		{ReadingsFile, "reading", KeepFacts, p("channel", "at", "value")},
	}
}
