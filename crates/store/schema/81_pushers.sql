-- Where users want to be told of events (Client-Server API, "Push Notifications").
CREATE TABLE pushers (
  id         INTEGER PRIMARY KEY,
  user_nid   INTEGER NOT NULL,
  device_id  TEXT    NOT NULL,                  -- the device that asked for it: signing out ends it
  app_id     TEXT    NOT NULL,
  pushkey    TEXT    NOT NULL,                  -- what the gateway knows the device by; Web Push: its public key
  kind       TEXT    NOT NULL,                  -- http or webpush
  app_display_name    TEXT NOT NULL,
  device_display_name TEXT NOT NULL,
  profile_tag TEXT,
  lang       TEXT    NOT NULL,
  data       TEXT    NOT NULL,                  -- JSON object as the client gave it
  created_at INTEGER NOT NULL,                  -- ms; when it was set last
  cursor     INTEGER NOT NULL,                  -- events up to this position are delivered or nobody's business
  activated  INTEGER NOT NULL,                  -- Web Push: 1 once the client has shown that it is reached
  ack_token  TEXT,                              -- Web Push: what the client has to show; NULL: nothing to be shown
  ack_until  INTEGER NOT NULL,                  -- ms; the token is good until then
  UNIQUE (user_nid, app_id, pushkey)
) STRICT;
CREATE INDEX pushers_by_key ON pushers (app_id, pushkey);
