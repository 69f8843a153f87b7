//! The gateway role: the key service that gives signed-in staff their own recovery key.
