//! Directory, on-call roles, patients and the request engine.
