//! HL7 v2 messages as they are really sent: own parser for the encoding rules of HL7 v2.5.1 chapter 2.
//!
//! The separators come from the message's own MSH segment; segments end with CR, LF or both; every
//! error names the segment, its position in the message and the field. No input makes it panic.

pub mod adt;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// Where in a message something is wrong, and what. It never repeats the content of the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("segment {ordinal} ({segment}){}: {problem}", field.map(|f| format!(", field {segment}-{f}")).unwrap_or_default())]
pub struct Hl7Error {
    /// Name of the segment, such as `PID`; `?` if it has none.
    pub segment: String,
    /// Position of the segment in its message, from 1.
    pub ordinal: usize,
    /// Number of the field as in the standard (PID-3 is 3), if one is to blame.
    pub field: Option<usize>,
    /// What is wrong, in a plain sentence.
    pub problem: String,
}

/// The five separators that MSH-1 and MSH-2 announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Separators {
    field: char,
    component: char,
    repetition: char,
    escape: char,
    subcomponent: char,
}

/// A parsed message: its segments in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    separators: Separators,
    segments: Vec<RawSegment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct RawSegment {
    name: String,
    /// `fields[0]` is field 1.
    fields: Vec<String>,
}

/// One segment of a message.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    separators: Separators,
    raw: &'a RawSegment,
    ordinal: usize,
}

/// One field, repetition, component or subcomponent, still encoded.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    separators: Separators,
    text: &'a str,
}

/// What a sender says about a value (chapter 2.5.3): nothing, "delete it", or a new value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The element is empty or missing: what is known stays as it is.
    #[default]
    Unchanged,
    /// The element is `""`: what is known is to be deleted.
    Delete,
    /// The new value.
    Set(T),
}

impl<T> Change<T> {
    /// The new value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Unchanged | Self::Delete => None,
        }
    }

    /// Writes the change into what is known.
    pub fn apply(self, known: &mut Option<T>) {
        match self {
            Self::Unchanged => {}
            Self::Delete => *known = None,
            Self::Set(value) => *known = Some(value),
        }
    }

    /// Converts the new value, if there is one.
    ///
    /// # Errors
    /// The error of `convert`.
    pub fn try_map<U, E>(self, convert: impl FnOnce(T) -> Result<U, E>) -> Result<Change<U>, E> {
        Ok(match self {
            Self::Unchanged => Change::Unchanged,
            Self::Delete => Change::Delete,
            Self::Set(value) => Change::Set(convert(value)?),
        })
    }
}

/// One message of a file, not yet parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMessage<'a> {
    /// Position of the message in the file, from 1.
    pub ordinal: usize,
    /// Line of its first segment, from 1.
    pub line: usize,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Splits a file of messages: each begins with a line that starts with `MSH`. MLLP frame bytes, blank
/// lines and the envelopes of the batch protocol (FHS, BHS, BTS, FTS) are passed over. Anything else
/// before the first MSH is given back as a message of its own, which then fails to parse.
#[must_use]
pub fn split_file(file: &[u8]) -> Vec<FileMessage<'_>> {
    let mut messages: Vec<FileMessage<'_>> = Vec::new();
    let (mut offset, mut line, mut begin) = (0, 1, None::<(usize, usize)>);
    let mut close = |begin: &mut Option<(usize, usize)>, end: usize| {
        if let Some((from, line)) = begin.take() {
            messages.push(FileMessage { ordinal: messages.len() + 1, line, bytes: &file[from..end] });
        }
    };
    while offset < file.len() {
        let rest = &file[offset..];
        let length = rest.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(rest.len());
        let ending = if rest[length..].starts_with(b"\r\n") { 2 } else { usize::from(length < rest.len()) };
        let framing = |b: &&u8| matches!(b, 0x0b | 0x1c | b' ' | b'\t') || b.is_ascii_whitespace();
        let skip = rest[..length].iter().take_while(framing).count();
        let content = &rest[skip..length];
        let envelope = [b"FHS", b"BHS", b"BTS", b"FTS"].iter().any(|name| content.starts_with(*name));
        if content.starts_with(b"MSH") || envelope {
            close(&mut begin, offset);
        }
        if begin.is_none() && !content.is_empty() && !envelope {
            begin = Some((offset + skip, line));
        }
        offset += length + ending;
        line += 1;
    }
    close(&mut begin, file.len());
    messages
}

impl Message {
    /// Parses one message.
    ///
    /// Text is UTF-8, or ISO 8859-1 if MSH-18 says `8859/1`.
    ///
    /// # Errors
    /// The first segment is not an MSH with usable separators, a segment's name is not three
    /// letters or digits, or the text is in another character set.
    pub fn parse(bytes: &[u8]) -> Result<Self, Hl7Error> {
        let text = decode(bytes)?;
        let lines = text
            .split(['\r', '\n'])
            .map(|l| l.trim_matches(['\u{b}', '\u{1c}']))
            .filter(|l| !l.trim().is_empty());
        let mut separators = None;
        let mut segments = Vec::new();
        for (index, line) in lines.enumerate() {
            let fail = |name: &str, problem: &str| error(name, index + 1, None, problem);
            let line = line.trim_start();
            let found = match separators {
                Some(found) => found,
                None => *separators.insert(Separators::read(line).map_err(|p| fail("MSH", p))?),
            };
            let mut parts = line.split(found.field);
            let name = parts.next().unwrap_or_default().trim_end();
            if name.len() != 3 || !name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
                return Err(fail("?", "a segment begins with a name of three capital letters or digits"));
            }
            let mut fields: Vec<String> = parts.map(ToOwned::to_owned).collect();
            if name == "MSH" {
                if index > 0 {
                    return Err(fail("MSH", "a message has one MSH segment only"));
                }
                fields.insert(0, found.field.to_string());
            }
            segments.push(RawSegment { name: name.to_owned(), fields });
        }
        match separators {
            Some(separators) => Ok(Self { separators, segments }),
            None => Err(error("MSH", 1, None, "the message is empty")),
        }
    }

    /// All segments in order.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.segments.iter().enumerate().map(|(index, raw)| Segment {
            separators: self.separators,
            raw,
            ordinal: index + 1,
        })
    }

    /// The first segment with this name.
    #[must_use]
    pub fn segment(&self, name: &str) -> Option<Segment<'_>> {
        self.segments().find(|s| s.name() == name)
    }

    /// The first segment with this name, or an error that says which one is missing.
    ///
    /// # Errors
    /// There is none.
    pub fn require(&self, name: &str) -> Result<Segment<'_>, Hl7Error> {
        let problem = "the message has no such segment";
        self.segment(name).ok_or_else(|| error(name, self.segments.len() + 1, None, problem))
    }
}

impl<'a> Segment<'a> {
    /// The segment's name, such as `PID`.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.raw.name
    }

    /// Its position in the message, from 1.
    #[must_use]
    pub const fn ordinal(&self) -> usize {
        self.ordinal
    }

    /// Field `number` as in the standard (1 is the first after the name; MSH-1 is the separator
    /// itself). A field that was not sent is empty.
    #[must_use]
    pub fn field(&self, number: usize) -> Element<'a> {
        let text = number.checked_sub(1).and_then(|i| self.raw.fields.get(i)).map_or("", String::as_str);
        Element { separators: self.separators, text }
    }

    /// An error about field `number` of this segment.
    #[must_use]
    pub fn error(&self, number: usize, problem: impl Into<String>) -> Hl7Error {
        error(self.name(), self.ordinal, Some(number), problem)
    }
}

impl<'a> Element<'a> {
    /// The repetitions of a field; one (empty) for an empty field.
    pub fn repetitions(self) -> impl Iterator<Item = Element<'a>> {
        self.split(self.separators.repetition)
    }

    /// The first repetition of a field.
    #[must_use]
    pub fn first(self) -> Element<'a> {
        self.nth(self.separators.repetition, 1)
    }

    /// Component `number` (from 1); empty if not sent.
    #[must_use]
    pub fn component(self, number: usize) -> Element<'a> {
        self.nth(self.separators.component, number)
    }

    /// Subcomponent `number` (from 1); empty if not sent.
    #[must_use]
    pub fn subcomponent(self, number: usize) -> Element<'a> {
        self.nth(self.separators.subcomponent, number)
    }

    /// True if nothing was sent.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.text.trim().is_empty()
    }

    /// The text with its escapes resolved, without surrounding spaces. Of an element with parts, the
    /// separators are kept as they are.
    #[must_use]
    pub fn text(self) -> String {
        unescape(self.text, self.separators).trim().to_owned()
    }

    /// What the sender says: unchanged, delete, or this text.
    #[must_use]
    pub fn change(self) -> Change<String> {
        match self.text.trim() {
            "" => Change::Unchanged,
            "\"\"" => Change::Delete,
            _ => Change::Set(self.text()),
        }
    }

    fn split(self, separator: char) -> impl Iterator<Item = Element<'a>> {
        self.text.split(separator).map(move |text| Element { separators: self.separators, text })
    }

    fn nth(self, separator: char, number: usize) -> Element<'a> {
        let empty = Element { separators: self.separators, text: "" };
        number.checked_sub(1).and_then(|index| self.split(separator).nth(index)).unwrap_or(empty)
    }
}

impl Separators {
    fn read(line: &str) -> Result<Self, &'static str> {
        let rest = line.strip_prefix("MSH").ok_or("the first segment of a message is MSH")?;
        let mut chars = rest.chars();
        let mut next = || chars.next().filter(|c| c.is_ascii_punctuation());
        let found = (next(), next(), next(), next());
        let (Some(field), Some(component), Some(repetition), Some(escape)) = found else {
            return Err("MSH-1 and MSH-2 announce the separators, usually |^~\\&");
        };
        // The subcomponent separator is optional for senders that use none.
        let subcomponent = next().filter(|c| *c != field).unwrap_or('&');
        let all = [field, component, repetition, escape, subcomponent];
        if (1..all.len()).any(|i| all[..i].contains(&all[i])) {
            return Err("MSH-1 and MSH-2 announce the same separator twice");
        }
        Ok(Self { field, component, repetition, escape, subcomponent })
    }
}

fn error(segment: &str, ordinal: usize, field: Option<usize>, problem: impl Into<String>) -> Hl7Error {
    Hl7Error { segment: segment.to_owned(), ordinal, field, problem: problem.into() }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Hl7Error> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    let text = latin1(bytes);
    let header = text.split(['\r', '\n']).next().unwrap_or_default();
    // MSH-18 is the 18th part because MSH-1 is the separator itself.
    let charset = header.chars().nth(3).and_then(|field| header.split(field).nth(17)).unwrap_or_default();
    if charset.starts_with("8859/1") {
        return Ok(Cow::Owned(text));
    }
    Err(error("MSH", 1, Some(18), "the text is neither UTF-8 nor declared as 8859/1"))
}

/// Resolves escape sequences (chapter 2.7). Highlighting is dropped; a sequence that is not known or
/// not closed is kept as sent, since guessing could change a name.
fn unescape(text: &str, separators: Separators) -> Cow<'_, str> {
    if !text.contains(separators.escape) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(separators.escape) {
        out.push_str(before);
        let Some((sequence, tail)) = after.split_once(separators.escape) else {
            out.push(separators.escape);
            rest = after;
            break;
        };
        match sequence {
            "F" => out.push(separators.field),
            "S" => out.push(separators.component),
            "T" => out.push(separators.subcomponent),
            "R" => out.push(separators.repetition),
            "E" => out.push(separators.escape),
            "H" | "N" => {}
            ".br" => out.push('\n'),
            other => match hexadecimal(other) {
                Some(decoded) => out.push_str(&decoded),
                None => {
                    out.extend([separators.escape]);
                    out.push_str(other);
                    out.extend([separators.escape]);
                }
            },
        }
        rest = tail;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn hexadecimal(sequence: &str) -> Option<String> {
    let bytes = hex::decode(sequence.strip_prefix('X')?).ok().filter(|b| !b.is_empty())?;
    Some(String::from_utf8(bytes).unwrap_or_else(|e| latin1(e.as_bytes())))
}
