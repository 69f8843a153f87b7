//! Writing an answer straight into one buffer: no tree is built.

use wardline_domain::canonical::write_string;

/// An object being written: puts the commas.
pub(super) struct Object<'o> {
    pub(super) out: &'o mut String,
    empty: bool,
}

impl<'o> Object<'o> {
    pub(super) fn open(out: &'o mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    /// An object that was opened before and has a member already.
    pub(super) fn go_on(out: &'o mut String) -> Self {
        Self { out, empty: false }
    }

    /// Begins a member; its value is to be written to what is returned.
    pub(super) fn key(&mut self, name: &str) -> &mut String {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(',');
        }
        write_string(self.out, name);
        self.out.push(':');
        self.out
    }

    pub(super) fn string(&mut self, name: &str, value: &str) {
        write_string(self.key(name), value);
    }

    pub(super) fn raw(&mut self, name: &str, json: &str) {
        self.key(name).push_str(json);
    }

    pub(super) fn number(&mut self, name: &str, value: u64) {
        self.raw(name, &value.to_string());
    }

    pub(super) fn object(&mut self, name: &str) -> Object<'_> {
        Object::open(self.key(name))
    }

    /// `"name":{"events":[…]}` from events that are JSON texts already.
    pub(super) fn events<T: AsRef<str>>(&mut self, name: &str, events: impl IntoIterator<Item = T>) {
        let out = self.key(name);
        out.push_str("{\"events\":");
        array(out, events, |out, event| out.push_str(event.as_ref()));
        out.push('}');
    }

    pub(super) fn strings<T: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        array(self.key(name), values, |out, value| write_string(out, value.as_ref()));
    }

    pub(super) fn close(self) {
        self.out.push('}');
    }
}

/// Writes an array, one item after the other.
pub(super) fn array<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

/// The client format of an event that is not in a room: type and content.
pub(super) fn plain_event(kind: &str, content: &str) -> String {
    let mut out = String::with_capacity(kind.len() + content.len() + 32);
    out.push_str("{\"content\":");
    out.push_str(content);
    out.push_str(",\"type\":");
    write_string(&mut out, kind);
    out.push('}');
    out
}
