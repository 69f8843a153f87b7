-- Sessions whose tokens are bound to a key of the client (DPoP, RFC 9449). Others are good for whoever holds them.
CREATE TABLE dpop_sessions (
  session_id INTEGER PRIMARY KEY REFERENCES sessions (id) ON DELETE CASCADE,
  thumbprint BLOB NOT NULL                      -- SHA-256 thumbprint of the public key (RFC 7638)
) STRICT;

-- The key to which the tokens for a code will be bound, if the authorisation request named one (dpop_jkt).
ALTER TABLE oauth_codes ADD COLUMN dpop_thumbprint BLOB;
