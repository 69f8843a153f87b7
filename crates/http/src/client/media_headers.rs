//! What a download's headers say: whether a browser may show it, under which name, and which part of it.

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Types that a browser may show in place (Client-Server API, "Serving inline content"). Everything else is a
/// download of unknown bytes.
const INLINE: &[&str] = &[
    "text/css",
    "text/plain",
    "text/csv",
    "application/json",
    "application/ld+json",
    "image/jpeg",
    "image/gif",
    "image/png",
    "image/apng",
    "image/webp",
    "image/avif",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
    "audio/mp4",
    "audio/webm",
    "audio/aac",
    "audio/mpeg",
    "audio/ogg",
    "audio/wave",
    "audio/wav",
    "audio/x-wav",
    "audio/x-pn-wav",
    "audio/flac",
    "audio/x-flac",
];

/// The bytes that RFC 5987 lets stand in an encoded file name.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Whether a type may be shown in place; parameters are ignored.
pub(super) fn is_inline(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    INLINE.contains(&essence.as_str())
}

/// The `Content-Disposition` (RFC 6266) of a file.
pub(super) fn content_disposition(inline: bool, name: Option<&str>) -> String {
    let kind = if inline { "inline" } else { "attachment" };
    let Some(name) = name.filter(|name| !name.is_empty()) else { return kind.to_owned() };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if name.bytes().all(plain) {
        format!("{kind}; filename={name}")
    } else if name.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        format!("{kind}; filename=\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{kind}; filename*=utf-8''{}", utf8_percent_encode(name, NAME))
    }
}

/// The part that a `Range` header (RFC 9110, section 14) asks for of `size` bytes. `None`: all of it, as for units
/// and lists of parts that are not served. `Err`: a part that the file does not have.
pub(super) fn range(header: Option<&str>, size: u64) -> Result<Option<Range<u64>>, ()> {
    let Some((first, last)) = header.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return Ok(None);
    };
    let number =
        |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let part = match (number(first.trim()), number(last.trim()), first.trim(), last.trim()) {
        (Some(first), Some(last), ..) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None, _, "") => first..size,
        (None, Some(count), "", _) => size.saturating_sub(count)..size,
        _ => return Ok(None),
    };
    if part.start >= part.end { Err(()) } else { Ok(Some(part)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_types_are_shown_in_place() {
        assert!(is_inline("image/png") && is_inline("Text/Plain; charset=utf-8"));
        for content_type in ["text/html", "image/svg+xml", "application/pdf", "application/octet-stream", ""]
        {
            assert!(!is_inline(content_type), "{content_type}");
        }
    }

    #[test]
    fn names_cannot_leave_their_header() {
        assert_eq!(content_disposition(true, Some("a.png")), "inline; filename=a.png");
        assert_eq!(content_disposition(false, None), "attachment");
        assert_eq!(
            content_disposition(false, Some("a \"b\\.txt")),
            "attachment; filename=\"a \\\"b\\\\.txt\""
        );
        assert_eq!(content_disposition(false, Some("é\r\n")), "attachment; filename*=utf-8''%C3%A9%0D%0A");
    }

    #[test]
    fn ranges() {
        assert_eq!(range(None, 10), Ok(None));
        assert_eq!(range(Some("bytes=0-0"), 10), Ok(Some(0..1)));
        assert_eq!(range(Some("bytes=2-"), 10), Ok(Some(2..10)));
        assert_eq!(range(Some("bytes=-3"), 10), Ok(Some(7..10)));
        assert_eq!(range(Some("bytes=-30"), 10), Ok(Some(0..10)));
        assert_eq!(range(Some("bytes=5-100"), 10), Ok(Some(5..10)));
        assert_eq!(range(Some("bytes=10-"), 10), Err(()));
        assert_eq!(range(Some("bytes=-0"), 10), Err(()));
        for ignored in ["items=0-1", "bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "bytes=-", "bytes=+1-2"] {
            assert_eq!(range(Some(ignored), 10), Ok(None), "{ignored}");
        }
    }
}
