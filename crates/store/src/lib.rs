//! Schema, group committer, readers and blob store. The only crate that knows SQL.
