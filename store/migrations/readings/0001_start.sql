-- +goose Up
CREATE TABLE channel (
  id       INTEGER PRIMARY KEY,
  sensor   TEXT NOT NULL,
  quantity TEXT NOT NULL,
  unit     TEXT NOT NULL,
  UNIQUE (sensor, quantity)
) STRICT;

CREATE TABLE reading (
  channel INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  value   REAL NOT NULL,
  PRIMARY KEY (channel, at)
) STRICT, WITHOUT ROWID;

-- +goose Down
SELECT 'forward only';
