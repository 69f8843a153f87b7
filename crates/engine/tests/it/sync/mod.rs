//! `/sync` and what it tells.

mod oracle;
mod phone;
