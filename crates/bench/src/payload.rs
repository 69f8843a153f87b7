//! What is sent: `m.room.encrypted` events of about 600 bytes that carry the time of sending, as megolm's do in size and
//! shape. Servers cannot look inside, so the first characters of the ciphertext are ours to use.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use memchr::memmem::Finder;
use tokio::time::Instant;

/// When this process began to measure; every time on the wire counts from here.
static EPOCH: LazyLock<Instant> = LazyLock::new(tokio::time::Instant::now);
static RUN: AtomicU64 = AtomicU64::new(1);

const MARK: &str = "\"ciphertext\":\"AwgA";
const RUN_DIGITS: usize = 6;
const TIME_DIGITS: usize = 12;
/// The length of a whole event content.
pub(crate) const BYTES: usize = 600;

/// Microseconds since this process began to measure.
pub(crate) fn now() -> u64 {
    u64::try_from(EPOCH.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// One scenario's messages, told apart from those of every other by a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run(u64);

impl Run {
    /// A number never used before by this process; `seed` (the process id) keeps processes apart.
    pub(crate) fn new() -> Self {
        let seed = u64::from(std::process::id()) << 8;
        Self((seed + RUN.fetch_add(1, Ordering::Relaxed)) % (1 << (4 * RUN_DIGITS)))
    }

    pub(crate) fn message(self) -> Message {
        let head = format!(
            "{{\"algorithm\":\"m.megolm.v1.aes-sha2\",{MARK}{:0run$x}{:0time$x}",
            self.0,
            0,
            run = RUN_DIGITS,
            time = TIME_DIGITS
        );
        let tail = "\",\"device_id\":\"RJYKSTBOIE\",\"sender_key\":\"IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn/8mLqMjA\",\
                    \"session_id\":\"X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu+QFnm0cKQ\"}";
        let mut body = head.into_bytes();
        let time_at = body.len() - TIME_DIGITS;
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ self.0;
        while body.len() + tail.len() < BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let symbols = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            body.push(symbols[usize::try_from(state % 64).unwrap_or(0)]);
        }
        body.extend_from_slice(tail.as_bytes());
        Message { body, time_at }
    }

    pub(crate) fn reader(self) -> Reader {
        let mark = format!("{MARK}{:0run$x}", self.0, run = RUN_DIGITS);
        Reader { finder: Finder::new(mark.as_bytes()).into_owned(), length: mark.len() }
    }
}

/// A message body that is made once and only gets a new time for every sending.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    body: Vec<u8>,
    time_at: usize,
}

impl Message {
    /// The body with `time` (see [`now`]) in it.
    pub(crate) fn at(&mut self, time: u64) -> &[u8] {
        for (place, digit) in
            self.body[self.time_at..self.time_at + TIME_DIGITS].iter_mut().zip((0..TIME_DIGITS).rev())
        {
            let nibble = u8::try_from((time >> (4 * digit)) & 0xf).unwrap_or(0);
            *place = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        }
        &self.body
    }
}

/// Finds one run's messages in an answer.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    finder: Finder<'static>,
    length: usize,
}

impl Reader {
    /// The sending times of all messages of the run in `body`.
    pub(crate) fn times<'a>(&'a self, body: &'a [u8]) -> impl Iterator<Item = u64> + 'a {
        self.finder.find_iter(body).filter_map(move |at| {
            let digits = body.get(at + self.length..at + self.length + TIME_DIGITS)?;
            u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_600_bytes_of_json_and_carries_its_time() {
        let run = Run::new();
        let mut message = run.message();
        let body = message.at(0xabc_def0_1234).to_vec();
        assert_eq!(body.len(), BYTES);
        let content: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(content["algorithm"], "m.megolm.v1.aes-sha2");
        assert_eq!(run.reader().times(&body).collect::<Vec<_>>(), [0xabc_def0_1234]);
        assert_eq!(Run::new().reader().times(&body).count(), 0);
    }
}
