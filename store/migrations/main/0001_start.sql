-- +goose Up

-- Places -------------------------------------------------------------------------------------

CREATE TABLE organisation (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  name       TEXT NOT NULL,
  language   TEXT NOT NULL DEFAULT 'en',
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE building (
  id           TEXT PRIMARY KEY,
  name         TEXT NOT NULL,
  street       TEXT NOT NULL DEFAULT '',
  postcode     TEXT NOT NULL DEFAULT '',
  city         TEXT NOT NULL DEFAULT '',
  country      TEXT NOT NULL DEFAULT '',
  zone         TEXT NOT NULL,
  language     TEXT NOT NULL DEFAULT 'en',
  working_days INTEGER NOT NULL DEFAULT 31 CHECK (working_days BETWEEN 0 AND 127), -- bit 0 = Monday
  hosted_retention TEXT NOT NULL DEFAULT 'midnight' CHECK (hosted_retention IN ('midnight', 'months3')),
  created_at   INTEGER NOT NULL,
  deleted_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX building_name ON building (name) WHERE deleted_at IS NULL;

-- Opening hours: several rows a weekday are several spans; valid_from and valid_to are local dates,
-- both included; NULL is without end. closes = 1440 is midnight at the end of the day; 0 to 0 is closed.
CREATE TABLE opening_hours (
  building_id TEXT NOT NULL REFERENCES building (id) ON DELETE CASCADE,
  valid_from  TEXT,
  valid_to    TEXT,
  weekday     INTEGER NOT NULL CHECK (weekday BETWEEN 1 AND 7), -- ISO 8601, 1 = Monday
  opens       INTEGER NOT NULL CHECK (opens BETWEEN 0 AND 1439),
  closes      INTEGER NOT NULL CHECK (closes BETWEEN 0 AND 1440),
  CHECK (closes > opens OR closes = 0 AND opens = 0)
) STRICT;
CREATE INDEX opening_hours_building ON opening_hours (building_id);

CREATE TABLE floor (
  id          TEXT PRIMARY KEY,
  building_id TEXT NOT NULL REFERENCES building (id),
  name        TEXT NOT NULL,
  level       INTEGER NOT NULL DEFAULT 0,
  created_at  INTEGER NOT NULL,
  deleted_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX floor_name ON floor (building_id, name) WHERE deleted_at IS NULL;

CREATE TABLE workspace (
  id             TEXT PRIMARY KEY,
  floor_id       TEXT NOT NULL REFERENCES floor (id),
  kind           TEXT NOT NULL CHECK (kind IN ('room', 'desk', 'huddle', 'parking')),
  name           TEXT NOT NULL,
  seats          INTEGER NOT NULL DEFAULT 0 CHECK (seats >= 0),
  equipment      TEXT NOT NULL DEFAULT '',  -- words of one line, separated by commas
  show_subject   INTEGER NOT NULL DEFAULT 1 CHECK (show_subject IN (0, 1)),
  show_organizer INTEGER NOT NULL DEFAULT 1 CHECK (show_organizer IN (0, 1)),
  bookable       INTEGER NOT NULL DEFAULT 1 CHECK (bookable IN (0, 1)),
  created_at     INTEGER NOT NULL,
  deleted_at     INTEGER
) STRICT;
CREATE UNIQUE INDEX workspace_name ON workspace (floor_id, name) WHERE deleted_at IS NULL;

-- Booking systems ------------------------------------------------------------------------------

CREATE TABLE booking_system (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,              -- ews, graph, google, caldav, ics, connector, push
  name       TEXT NOT NULL,
  url        TEXT NOT NULL DEFAULT '',   -- of one ICS feed it may hold a token: then it lies in resource.secret
  username   TEXT NOT NULL DEFAULT '',
  secrets    BLOB,                       -- sealed: JSON of field → secret
  ca_pem     TEXT NOT NULL DEFAULT '',
  settings   TEXT NOT NULL DEFAULT '{}', -- JSON of the kind's own plain settings
  paused_at  INTEGER,                    -- set when the sign-in was refused: nothing is tried until somebody edits it
  wait_until INTEGER,                    -- the system asked for it: nothing is sent before
  last_ok    INTEGER,
  failing_since INTEGER,
  error_kind TEXT NOT NULL DEFAULT '',
  error_said TEXT NOT NULL DEFAULT '',   -- what the system answered; never holds secrets or content
  checked_at INTEGER,                    -- somebody walked through the connection as it is now
  checked_room TEXT REFERENCES workspace (id),
  check_steps TEXT NOT NULL DEFAULT '',  -- JSON of the steps: name, state, what the system answered, cure, how long it took
  created_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX booking_system_name ON booking_system (name) WHERE deleted_at IS NULL;

-- The calendar of one workspace in a booking system.
CREATE TABLE resource (
  id            TEXT PRIMARY KEY,
  workspace_id  TEXT NOT NULL REFERENCES workspace (id),
  system_id     TEXT NOT NULL REFERENCES booking_system (id),
  address       TEXT NOT NULL,           -- href, mailbox; '' where secret holds it
  secret        BLOB,                    -- sealed address (feeds with a token in the URL)
  writable      INTEGER NOT NULL DEFAULT 0 CHECK (writable IN (0, 1)),
  cursor        BLOB,                    -- sealed: the connector's mark for its next probe
  state         BLOB,                    -- sealed: what the connector keeps between reads; hrefs, revisions, times
  last_ok       INTEGER,                 -- agenda confirmed
  last_changed  INTEGER,
  last_booked   INTEGER,                 -- a booking of ours went through
  failures      INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER,
  wait_until    INTEGER,                 -- the system asked for it for this calendar alone: nothing is sent before
  error_kind    TEXT NOT NULL DEFAULT '',
  error_said    TEXT NOT NULL DEFAULT '',
  skipped       INTEGER NOT NULL DEFAULT 0,
  warnings      TEXT NOT NULL DEFAULT '',
  created_at    INTEGER NOT NULL,
  deleted_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX resource_workspace ON resource (workspace_id) WHERE deleted_at IS NULL;
CREATE INDEX resource_system ON resource (system_id);

-- Bookings that were sent to a booking system and are not known yet to stand: whose they are is not lost over a crash.
CREATE TABLE unsettled_booking (
  resource_id TEXT NOT NULL REFERENCES resource (id),
  token       TEXT NOT NULL,             -- idempotency key that went along
  source      TEXT NOT NULL,
  creator_id  TEXT REFERENCES person (id) ON DELETE CASCADE,
  from_at     INTEGER NOT NULL,
  to_at       INTEGER NOT NULL,
  created_at  INTEGER NOT NULL,
  PRIMARY KEY (resource_id, token)
) STRICT, WITHOUT ROWID;
CREATE INDEX unsettled_booking_creator ON unsettled_booking (creator_id);

-- A later end that was sent to a booking system and is not known yet to stand.
CREATE TABLE unsettled_end (
  resource_id  TEXT NOT NULL REFERENCES resource (id),
  ext_uid      TEXT NOT NULL,
  ext_original TEXT NOT NULL,
  from_at      INTEGER NOT NULL,
  was_at       INTEGER NOT NULL,           -- the end before
  to_at        INTEGER NOT NULL,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (resource_id, ext_uid, ext_original, to_at)
) STRICT, WITHOUT ROWID;

-- People -----------------------------------------------------------------------------------------

CREATE TABLE person (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL DEFAULT '',
  email      TEXT NOT NULL DEFAULT '',   -- lower case; '' when unknown
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX person_email ON person (email) WHERE email <> '';
CREATE INDEX person_name ON person (name);

CREATE TABLE account (
  id           TEXT PRIMARY KEY,
  person_id    TEXT NOT NULL REFERENCES person (id),
  language     TEXT NOT NULL DEFAULT '',  -- '' = the browser's
  theme        TEXT NOT NULL DEFAULT '' CHECK (theme IN ('', 'light', 'dark')),
  created_at   INTEGER NOT NULL,
  last_sign_in INTEGER,
  disabled_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX account_person ON account (person_id);

CREATE TABLE identity (
  id         TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  provider   TEXT NOT NULL,               -- local, later oidc, ldap
  subject    TEXT NOT NULL,               -- sign-in name, lower case
  password   TEXT NOT NULL DEFAULT '',    -- argon2id, PHC string; '' = none set
  created_at INTEGER NOT NULL,
  UNIQUE (provider, subject)
) STRICT;
CREATE INDEX identity_account ON identity (account_id);

CREATE TABLE role_grant (
  account_id  TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  role        TEXT NOT NULL CHECK (role IN ('administrator', 'workspace_manager', 'booking_manager', 'user', 'auditor')),
  building_id TEXT NOT NULL DEFAULT ''    -- '' = everything
, PRIMARY KEY (account_id, role, building_id)) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  hash       BLOB PRIMARY KEY,            -- SHA-256 of the cookie's random id
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  address    TEXT NOT NULL DEFAULT '',
  agent      TEXT NOT NULL DEFAULT '',
  data       BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_account ON session (account_id);
CREATE INDEX session_expires ON session (expires_at);

-- One-time links: first set-up, password reset, demo sign-in.
CREATE TABLE one_time_link (
  hash       BLOB PRIMARY KEY,            -- SHA-256 of the token
  purpose    TEXT NOT NULL CHECK (purpose IN ('setup', 'reset', 'sign_in')),
  account_id TEXT REFERENCES account (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER
) STRICT, WITHOUT ROWID;

-- Failed sign-ins, by a keyed hash of address or name, so that a restart does not open the gate.
CREATE TABLE sign_in_failure (
  key   BLOB NOT NULL,
  at    INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_failure_key ON sign_in_failure (key, at);

-- Keys of programs that use our interfaces. They are shown once.
CREATE TABLE access_key (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  hash        BLOB NOT NULL,             -- SHA-256 of the key
  use         TEXT NOT NULL CHECK (use IN ('connector', 'push')),
  may_book    INTEGER NOT NULL DEFAULT 0 CHECK (may_book IN (0, 1)),
  building_id TEXT REFERENCES building (id),       -- connector: NULL = all buildings
  system_id   TEXT REFERENCES booking_system (id), -- push: whose agendas it brings
  created_at  INTEGER NOT NULL,
  ends_at     INTEGER,                   -- NULL = no end
  used_at     INTEGER,                   -- to the minute
  revoked_at  INTEGER,
  CHECK ((use = 'push') = (system_id IS NOT NULL)),
  CHECK (use = 'connector' OR may_book = 0 AND building_id IS NULL)
) STRICT;
CREATE UNIQUE INDEX access_key_hash ON access_key (hash);
CREATE UNIQUE INDEX access_key_name ON access_key (name) WHERE revoked_at IS NULL;

-- Bookings ----------------------------------------------------------------------------------------

-- A hosted series. Local date, wall time and zone are the truth.
CREATE TABLE series (
  id           TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  rule         TEXT NOT NULL,             -- RRULE value
  first_wall   TEXT NOT NULL,             -- 2026-11-21T09:30, local
  minutes      INTEGER NOT NULL CHECK (minutes > 0),
  all_day      INTEGER NOT NULL DEFAULT 0 CHECK (all_day IN (0, 1)),
  zone         TEXT NOT NULL,
  private      INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1)),
  source       TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  cancelled_at INTEGER
) STRICT;
CREATE INDEX series_workspace ON series (workspace_id);

CREATE TABLE series_person (
  series_id    TEXT PRIMARY KEY REFERENCES series (id) ON DELETE CASCADE,
  subject      TEXT NOT NULL DEFAULT '',
  organizer_id TEXT REFERENCES person (id),
  creator_id   TEXT REFERENCES person (id)
) STRICT;
CREATE INDEX series_person_organizer ON series_person (organizer_id);
CREATE INDEX series_person_creator ON series_person (creator_id);

-- One booking: [from_at, to_at) of one workspace. Hosted ones (hosted = 1) are ours; the others mirror a
-- booking system. Who and what stand in booking_person.
CREATE TABLE booking (
  id           TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspace (id),
  hosted       INTEGER NOT NULL CHECK (hosted IN (0, 1)),
  from_at      INTEGER NOT NULL,
  to_at        INTEGER NOT NULL,
  from_wall    TEXT NOT NULL,             -- local truth of hosted and of all-day bookings
  to_wall      TEXT NOT NULL,
  zone         TEXT NOT NULL,
  all_day      INTEGER NOT NULL DEFAULT 0 CHECK (all_day IN (0, 1)),
  private      INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1)),
  tentative    INTEGER NOT NULL DEFAULT 0 CHECK (tentative IN (0, 1)),
  source       TEXT NOT NULL CHECK (source IN ('portal', 'door', 'panel', 'api', 'connector', 'calendar', 'demo')),
  series_id    TEXT REFERENCES series (id),
  original_wall TEXT NOT NULL DEFAULT '', -- hosted occurrence: the start that the rule gave it
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL,
  revision     INTEGER NOT NULL DEFAULT 1,
  cancelled_at INTEGER,
  end_reason   TEXT NOT NULL DEFAULT '' CHECK (end_reason IN ('', 'ran_out', 'ended', 'released', 'cancelled')),
  resource_id  TEXT REFERENCES resource (id),
  ext_key      TEXT NOT NULL DEFAULT '',  -- synced: the id for writes
  ext_uid      TEXT NOT NULL DEFAULT '',  -- synced: UID or series id; with ext_original the identity that survives moves
  ext_original TEXT NOT NULL DEFAULT '',  -- RECURRENCE-ID in UTC or as a day
  ext_rev      TEXT NOT NULL DEFAULT '',
  ext_mine     INTEGER NOT NULL DEFAULT 0 CHECK (ext_mine IN (0, 1)),
  has_image    INTEGER NOT NULL DEFAULT 0 CHECK (has_image IN (0, 1)), -- synced: perhaps a picture is attached; never of a private one
  token        TEXT NOT NULL DEFAULT '',  -- idempotency key of the request that made it
  anonymised_at INTEGER,
  CHECK (to_at > from_at),
  CHECK (hosted = (resource_id IS NULL))
) STRICT;
-- The last column is always NULL; with it the index alone answers.
CREATE INDEX booking_agenda ON booking (workspace_id, from_at, to_at, hosted, cancelled_at) WHERE cancelled_at IS NULL;
-- What lasts longer than a day, so that an agenda looks back one day only.
CREATE INDEX booking_long ON booking (workspace_id, from_at, to_at, cancelled_at) WHERE cancelled_at IS NULL AND to_at - from_at > 86400;
CREATE INDEX booking_open ON booking (to_at) WHERE cancelled_at IS NULL AND end_reason = '';
CREATE INDEX booking_to ON booking (to_at);
-- What may still know a person: what is synced with a booking system, and what retention looks through.
CREATE INDEX booking_known ON booking (workspace_id, to_at) WHERE anonymised_at IS NULL;
CREATE INDEX booking_series ON booking (series_id) WHERE series_id IS NOT NULL;
CREATE UNIQUE INDEX booking_occurrence ON booking (series_id, original_wall) WHERE series_id IS NOT NULL;
CREATE UNIQUE INDEX booking_ext ON booking (resource_id, ext_uid, ext_original) WHERE hosted = 0 AND ext_uid <> ''; -- anonymised rows have none
CREATE UNIQUE INDEX booking_token ON booking (workspace_id, token) WHERE token <> '';

CREATE TABLE booking_person (
  booking_id     TEXT PRIMARY KEY REFERENCES booking (id) ON DELETE CASCADE,
  subject        TEXT NOT NULL DEFAULT '',
  organizer_id   TEXT REFERENCES person (id),
  creator_id     TEXT REFERENCES person (id)
) STRICT;
CREATE INDEX booking_person_organizer ON booking_person (organizer_id);
CREATE INDEX booking_person_creator ON booking_person (creator_id);

-- The database itself refuses a hosted booking that overlaps another. As none do, the last one that begins
-- before the new one ends is also the one that ends last: no other has to be looked at.
-- +goose StatementBegin
CREATE TRIGGER booking_overlap_insert BEFORE INSERT ON booking
WHEN NEW.hosted = 1 AND NEW.cancelled_at IS NULL
BEGIN
  SELECT RAISE(ABORT, 'lintel: booking overlaps')
  WHERE (SELECT b.to_at FROM booking b
    WHERE b.workspace_id = NEW.workspace_id AND b.cancelled_at IS NULL AND b.hosted = 1 AND b.from_at < NEW.to_at
    ORDER BY b.from_at DESC LIMIT 1) > NEW.from_at;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER booking_overlap_update BEFORE UPDATE OF workspace_id, hosted, from_at, to_at, cancelled_at ON booking
WHEN NEW.hosted = 1 AND NEW.cancelled_at IS NULL
BEGIN
  SELECT RAISE(ABORT, 'lintel: booking overlaps')
  WHERE (SELECT b.to_at FROM booking b
    WHERE b.workspace_id = NEW.workspace_id AND b.cancelled_at IS NULL AND b.hosted = 1 AND b.from_at < NEW.to_at AND b.id <> NEW.id
    ORDER BY b.from_at DESC LIMIT 1) > NEW.from_at;
END;
-- +goose StatementEnd

-- Displays ---------------------------------------------------------------------------------------

CREATE TABLE display (
  id            TEXT PRIMARY KEY,
  protocol      TEXT NOT NULL CHECK (protocol IN ('trmnl', 'native', 'panel', 'url')),
  state         TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'refused')),
  name          TEXT NOT NULL DEFAULT '',
  workspace_id  TEXT REFERENCES workspace (id),
  hardware_id   TEXT NOT NULL DEFAULT '',  -- MAC, upper case with colons, or the maker's id; '' when the client sends none
  model         TEXT NOT NULL DEFAULT '',
  firmware      TEXT NOT NULL DEFAULT '',
  width         INTEGER NOT NULL DEFAULT 800,
  height        INTEGER NOT NULL DEFAULT 480,
  palette       TEXT NOT NULL DEFAULT 'bw' CHECK (palette IN ('bw', 'gray4', 'gray16')),
  encoding      TEXT NOT NULL DEFAULT 'png' CHECK (encoding IN ('png', 'bmp')),
  rotation      INTEGER NOT NULL DEFAULT 0 CHECK (rotation IN (0, 90, 180, 270)),
  template      TEXT NOT NULL DEFAULT 'day' CHECK (template IN ('day', 'week')),
  language      TEXT NOT NULL DEFAULT '',  -- '' = the building's
  soon_minutes  INTEGER NOT NULL DEFAULT 0,-- 0 = off
  mains         INTEGER NOT NULL DEFAULT 0 CHECK (mains IN (0, 1)),
  show_image    INTEGER NOT NULL DEFAULT 0 CHECK (show_image IN (0, 1)), -- a picture that is attached to the meeting, in place of the agenda
  key_hash      BLOB,                      -- SHA-256 of its key; of a panel, of its cookie
  key_seen      INTEGER NOT NULL DEFAULT 0 CHECK (key_seen IN (0, 1)), -- the device has used this key
  reenrol_until INTEGER,                   -- an administrator lets this hardware id ask for a new key
  claim_code    TEXT NOT NULL DEFAULT '',  -- shown on the glass while pending
  claim_started INTEGER,
  created_at    INTEGER NOT NULL,
  approved_at   INTEGER,
  seen_at       INTEGER,
  next_wake_at  INTEGER,
  address       TEXT NOT NULL DEFAULT '',  -- of the last contact
  battery_percent INTEGER,
  battery_mv    INTEGER,
  rssi          INTEGER,
  wake_reason   TEXT NOT NULL DEFAULT '',
  reported_refresh INTEGER,
  deleted_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX display_key ON display (key_hash) WHERE key_hash IS NOT NULL;
CREATE UNIQUE INDEX display_hardware ON display (hardware_id) WHERE hardware_id <> '' AND deleted_at IS NULL;
CREATE UNIQUE INDEX display_claim ON display (claim_code) WHERE claim_code <> '' AND state = 'pending' AND deleted_at IS NULL;
CREATE INDEX display_workspace ON display (workspace_id);

-- One picture a display, overwritten. The bytes are drawn again at start: the same state gives the same bytes.
CREATE TABLE picture (
  display_id  TEXT PRIMARY KEY REFERENCES display (id) ON DELETE CASCADE,
  hash        BLOB NOT NULL,
  rendered_at INTEGER NOT NULL
) STRICT;

CREATE TABLE display_log (
  id         INTEGER PRIMARY KEY,
  display_id TEXT NOT NULL REFERENCES display (id) ON DELETE CASCADE,
  at         INTEGER NOT NULL,
  level      TEXT NOT NULL,
  message    TEXT NOT NULL
) STRICT;
CREATE INDEX display_log_display ON display_log (display_id, at);

-- The house -----------------------------------------------------------------------------------------

CREATE TABLE setting (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys that the program makes for itself (session cookies, picture addresses), sealed.
CREATE TABLE key_material (
  name       TEXT PRIMARY KEY,
  sealed     BLOB NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Up to which local day a job has handled a building.
CREATE TABLE job_mark (
  job   TEXT NOT NULL,
  scope TEXT NOT NULL,
  day   TEXT NOT NULL,
  at    INTEGER NOT NULL
, PRIMARY KEY (job, scope)) STRICT, WITHOUT ROWID;

-- What each run of retention did: the log of proofs.
CREATE TABLE retention_run (
  id          INTEGER PRIMARY KEY,
  building_id TEXT NOT NULL,
  day         TEXT NOT NULL,
  at          INTEGER NOT NULL,
  bookings    INTEGER NOT NULL,
  series      INTEGER NOT NULL,
  persons     INTEGER NOT NULL,
  facts       INTEGER NOT NULL,
  UNIQUE (building_id, day)
) STRICT;

-- Every destination that the program has ever contacted.
CREATE TABLE destination (
  host     TEXT NOT NULL,
  port     INTEGER NOT NULL,
  purpose  TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  count    INTEGER NOT NULL
, PRIMARY KEY (host, port, purpose)) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id          INTEGER PRIMARY KEY,
  at          INTEGER NOT NULL,
  actor_kind  TEXT NOT NULL,              -- account, device, token, job, system
  actor       TEXT NOT NULL,              -- pseudonym of a person, or the id of a device, token, job, system
  action      TEXT NOT NULL,              -- booking.create
  object_kind TEXT NOT NULL,
  object_id   TEXT NOT NULL,
  detail      TEXT NOT NULL DEFAULT ''    -- JSON of ids, numbers and fixed words; never free text
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_object ON audit (object_kind, object_id);

-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'lintel: the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'lintel: the audit log is append-only'); END;
-- +goose StatementEnd

-- Deleting a row here makes the audit forget who it was.
CREATE TABLE audit_pseudonym (
  pseudonym TEXT PRIMARY KEY,
  person_id TEXT NOT NULL UNIQUE REFERENCES person (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- +goose Down
SELECT 'forward only';
