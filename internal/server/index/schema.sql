-- What is here can be read from the sources again: there are no migrations. A file with another
-- schema than this text is put aside, and the index is made anew.

CREATE TABLE sources (
  name     TEXT PRIMARY KEY,
  position TEXT NOT NULL
) WITHOUT ROWID;

-- Mistakes that belong to no entity.
CREATE TABLE findings (
  source     TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  file       TEXT NOT NULL,
  seq        INTEGER NOT NULL,
  line       INTEGER NOT NULL,
  column_    INTEGER NOT NULL,
  path       TEXT NOT NULL,
  message    TEXT NOT NULL,
  suggestion TEXT NOT NULL,
  PRIMARY KEY (source, file, seq)
) WITHOUT ROWID;

-- Of several definitions of one entity the one with the lowest rank is shown.
CREATE TABLE entities (
  id          INTEGER PRIMARY KEY,
  source      TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  rank        INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  shown       INTEGER NOT NULL DEFAULT 0,
  ref         TEXT NOT NULL,
  kind        TEXT NOT NULL COLLATE NOCASE,
  namespace   TEXT NOT NULL,
  name        TEXT NOT NULL,
  title       TEXT NOT NULL,
  description TEXT NOT NULL,
  type        TEXT NOT NULL COLLATE NOCASE,
  lifecycle   TEXT NOT NULL COLLATE NOCASE,
  owner       TEXT NOT NULL,
  system      TEXT NOT NULL,
  tags        TEXT NOT NULL, -- a JSON list
  errors      INTEGER NOT NULL,
  location    TEXT NOT NULL,
  line        INTEGER NOT NULL,
  document    TEXT NOT NULL  -- the entity, as JSON
);
CREATE INDEX entities_source ON entities (source);
CREATE INDEX entities_ref    ON entities (ref, shown);
CREATE INDEX entities_owner  ON entities (owner, ref) WHERE shown;
CREATE INDEX entities_system ON entities (system, ref) WHERE shown;

CREATE TABLE entity_tags (
  entity INTEGER NOT NULL REFERENCES entities ON DELETE CASCADE,
  tag    TEXT NOT NULL,
  PRIMARY KEY (tag, entity)
) WITHOUT ROWID;
CREATE INDEX entity_tags_entity ON entity_tags (entity);

CREATE TABLE entity_labels (
  entity INTEGER NOT NULL REFERENCES entities ON DELETE CASCADE,
  key    TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (key, value, entity)
) WITHOUT ROWID;
CREATE INDEX entity_labels_entity ON entity_labels (entity);

-- Relations as entities declare them; the other direction is a question of reading.
CREATE TABLE relations (
  entity  INTEGER NOT NULL REFERENCES entities ON DELETE CASCADE,
  origin  TEXT NOT NULL,
  type    TEXT NOT NULL,
  target  TEXT NOT NULL,
  path    TEXT NOT NULL,
  line    INTEGER NOT NULL,
  column_ INTEGER NOT NULL
);
CREATE INDEX relations_entity ON relations (entity);
CREATE INDEX relations_origin ON relations (origin, type, target, entity);
CREATE INDEX relations_target ON relations (target, type, origin, entity);

CREATE VIRTUAL TABLE entity_text USING fts5 (
  name, title, tags, kind, owner, description,
  tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);

-- Everything else is a document with the columns by which it is found. Times are microseconds
-- since 1970 in UTC, 0 where there is none.

-- When records were put first, whatever became of them since.
CREATE TABLE beginnings (
  source  TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  record  TEXT NOT NULL, -- table/key
  created INTEGER NOT NULL,
  fields  TEXT NOT NULL, -- JSON
  PRIMARY KEY (source, record)
) WITHOUT ROWID;

CREATE TABLE applications (
  name     TEXT PRIMARY KEY,
  source   TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  team     TEXT NOT NULL,
  created  INTEGER NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX applications_team   ON applications (team, name);
CREATE INDEX applications_source ON applications (source);

CREATE TABLE environments (
  name     TEXT PRIMARY KEY,
  source   TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  team     TEXT NOT NULL,
  place    INTEGER NOT NULL,
  created  INTEGER NOT NULL,
  document TEXT NOT NULL
);
CREATE INDEX environments_place  ON environments (place, name);
CREATE INDEX environments_source ON environments (source);

CREATE TABLE releases (
  id          TEXT PRIMARY KEY, -- application/release
  source      TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  application TEXT NOT NULL,
  digest      TEXT NOT NULL,
  created     INTEGER NOT NULL,
  document    TEXT NOT NULL
);
CREATE INDEX releases_application ON releases (application, created, id);
CREATE INDEX releases_digest      ON releases (digest);
CREATE INDEX releases_source      ON releases (source);

CREATE TABLE placements (
  id          TEXT PRIMARY KEY, -- environment/application
  source      TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  environment TEXT NOT NULL,
  application TEXT NOT NULL,
  digest      TEXT NOT NULL,
  document    TEXT NOT NULL
);
CREATE INDEX placements_application ON placements (application, environment);
CREATE INDEX placements_digest      ON placements (digest);
CREATE INDEX placements_source      ON placements (source);

CREATE TABLE promotions (
  number      INTEGER PRIMARY KEY,
  source      TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  team        TEXT NOT NULL,
  application TEXT NOT NULL,
  environment TEXT NOT NULL,
  state       TEXT NOT NULL,
  document    TEXT NOT NULL
);
CREATE INDEX promotions_application ON promotions (application, number);
CREATE INDEX promotions_team        ON promotions (team, number);
CREATE INDEX promotions_state       ON promotions (state, number);
CREATE INDEX promotions_source      ON promotions (source);

CREATE TABLE runs (
  id          TEXT PRIMARY KEY,
  source      TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  application TEXT NOT NULL,
  commit_     TEXT NOT NULL,
  state       TEXT NOT NULL,
  started     INTEGER NOT NULL,
  document    TEXT NOT NULL
);
CREATE INDEX runs_application ON runs (application, started, id);
CREATE INDEX runs_commit      ON runs (commit_);
CREATE INDEX runs_source      ON runs (source);

CREATE TABLE decisions (
  number      INTEGER PRIMARY KEY, -- the place in the log
  source      TEXT NOT NULL REFERENCES sources ON DELETE CASCADE,
  team        TEXT NOT NULL,
  application TEXT NOT NULL,
  environment TEXT NOT NULL,
  outcome     TEXT NOT NULL,
  subject     TEXT NOT NULL,
  at          INTEGER NOT NULL,
  document    TEXT NOT NULL
);
CREATE INDEX decisions_application ON decisions (application, number);
CREATE INDEX decisions_team        ON decisions (team, number);
CREATE INDEX decisions_subject     ON decisions (subject, number);
CREATE INDEX decisions_source      ON decisions (source);
