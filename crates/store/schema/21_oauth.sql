-- The OAuth 2.0 authorisation server: clients, codes, sessions, sign-in pages.

-- A registered client. A public client's id follows from its metadata, so the same application registers once.
CREATE TABLE oauth_clients (
  id          TEXT PRIMARY KEY,
  metadata    TEXT NOT NULL,                    -- the registered metadata as JSON
  secret_hash BLOB,                             -- SHA-256 of the client secret; NULL: a public client
  created_at  INTEGER NOT NULL,                 -- ms since the Unix epoch
  used_at     INTEGER NOT NULL                  -- ms; when it last registered or began a sign-in
) STRICT;
CREATE INDEX oauth_clients_used ON oauth_clients (used_at);

-- Which client a session belongs to. Sessions of the legacy login API have no row.
CREATE TABLE oauth_sessions (
  session_id INTEGER PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  client_id  TEXT NOT NULL REFERENCES oauth_clients (id),
  scope      TEXT NOT NULL                      -- as granted, tokens parted by spaces
) STRICT;
CREATE INDEX oauth_sessions_client ON oauth_sessions (client_id);

-- An authorisation code. It is kept after its use, so that a second use is recognised.
CREATE TABLE oauth_codes (
  code_hash    BLOB PRIMARY KEY,                -- SHA-256 of the code
  client_id    TEXT NOT NULL REFERENCES oauth_clients (id),
  user_nid     INTEGER NOT NULL REFERENCES accounts (user_nid),
  device_id    TEXT NOT NULL,
  scope        TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,                   -- as given in the authorisation request
  challenge    TEXT NOT NULL,                   -- PKCE code challenge (S256)
  method       TEXT NOT NULL,                   -- how the person proved who they are
  expires_at   INTEGER NOT NULL,                -- ms
  spent        INTEGER NOT NULL,                -- 1: somebody tried it
  session_id   INTEGER REFERENCES sessions (id) ON DELETE SET NULL -- the session that it opened, while that lasts
) STRICT;
CREATE INDEX oauth_codes_session ON oauth_codes (session_id);
CREATE INDEX oauth_codes_client ON oauth_codes (client_id);
CREATE INDEX oauth_codes_expires ON oauth_codes (expires_at);

-- A device that waits for somebody to allow it from another one (RFC 8628).
CREATE TABLE oauth_device_grants (
  device_code_hash BLOB PRIMARY KEY,            -- SHA-256 of the device code
  user_code        TEXT NOT NULL UNIQUE,        -- eight capital letters
  client_id        TEXT NOT NULL REFERENCES oauth_clients (id),
  device_id        TEXT NOT NULL,
  scope            TEXT NOT NULL,
  expires_at       INTEGER NOT NULL,            -- ms
  interval_ms      INTEGER NOT NULL,            -- how long the device must wait between two questions
  asked_at         INTEGER,                     -- ms; when it last asked
  decision         INTEGER NOT NULL,            -- 0: none yet, 1: allowed, 2: refused
  user_nid         INTEGER REFERENCES accounts (user_nid), -- who decided
  method           TEXT                         -- how that person had proved who they are
) STRICT;
CREATE INDEX oauth_device_grants_client ON oauth_device_grants (client_id);
CREATE INDEX oauth_device_grants_expires ON oauth_device_grants (expires_at);

-- Somebody who is signed in to the sign-in and account pages, in one browser.
CREATE TABLE oauth_browsers (
  cookie_hash BLOB PRIMARY KEY,                 -- SHA-256 of the cookie
  user_nid    INTEGER NOT NULL REFERENCES accounts (user_nid),
  method      TEXT NOT NULL,                    -- how they proved who they are
  proved_at   INTEGER NOT NULL,                 -- ms
  expires_at  INTEGER NOT NULL                  -- ms
) STRICT;
CREATE INDEX oauth_browsers_user ON oauth_browsers (user_nid);
CREATE INDEX oauth_browsers_expires ON oauth_browsers (expires_at);

-- A token of the legacy login API (m.login.token), good for one sign-in.
CREATE TABLE login_tokens (
  token_hash BLOB PRIMARY KEY,                  -- SHA-256 of the token
  user_nid   INTEGER NOT NULL REFERENCES accounts (user_nid),
  method     TEXT NOT NULL,                     -- how the person proved who they are
  expires_at INTEGER NOT NULL                   -- ms
) STRICT;
CREATE INDEX login_tokens_expires ON login_tokens (expires_at);

-- A person's leave, given on the account page, to replace their cross-signing keys once.
CREATE TABLE cross_signing_resets (
  user_nid   INTEGER PRIMARY KEY REFERENCES accounts (user_nid),
  expires_at INTEGER NOT NULL                   -- ms
) STRICT;
