-- Times are milliseconds since 1970, 0 for none. Fingerprints are SHA-256 in base64url.
CREATE TABLE person (
  id       TEXT PRIMARY KEY,
  issuer   TEXT NOT NULL,
  subject  TEXT NOT NULL,
  username TEXT NOT NULL,
  name     TEXT NOT NULL,
  email    TEXT NOT NULL,
  member_of TEXT NOT NULL, -- JSON list of groups
  as_of    INTEGER NOT NULL,
  seen     INTEGER NOT NULL,
  shut_at  INTEGER NOT NULL DEFAULT 0,
  shut_by  TEXT NOT NULL DEFAULT '',
  shut_why TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
  fingerprint TEXT PRIMARY KEY,
  id          TEXT NOT NULL UNIQUE,
  person      TEXT NOT NULL,
  created     INTEGER NOT NULL,
  seen        INTEGER NOT NULL,
  ends        INTEGER NOT NULL,
  client      TEXT NOT NULL,
  agent       TEXT NOT NULL,
  id_token    TEXT NOT NULL -- sealed
) STRICT, WITHOUT ROWID;
CREATE INDEX session_person ON session (person);

CREATE TABLE token (
  id          TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL UNIQUE,
  kind        TEXT NOT NULL,
  name        TEXT NOT NULL,
  person      TEXT NOT NULL,
  scopes      TEXT NOT NULL, -- JSON list
  created     INTEGER NOT NULL,
  expires     INTEGER NOT NULL,
  used        INTEGER NOT NULL DEFAULT 0,
  revoked     INTEGER NOT NULL DEFAULT 0,
  revoked_by  TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE INDEX token_person ON token (person);

CREATE TABLE device (
  device   TEXT PRIMARY KEY,
  user     TEXT NOT NULL UNIQUE,
  client   TEXT NOT NULL,
  asks     TEXT NOT NULL, -- the address that asks
  scopes   TEXT NOT NULL, -- JSON list
  created  INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  interval INTEGER NOT NULL, -- milliseconds
  asked    INTEGER NOT NULL DEFAULT 0,
  state    TEXT NOT NULL,
  person   TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
