//! The little of ASN.1's distinguished encoding (ITU-T X.690) that certificates and signatures need.

/// A value with its tag and length. `content` is the encoded content.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ ..=0x7f => out.push(u8::try_from(short).unwrap_or(0)),
        long => {
            let bytes = long.to_be_bytes();
            let skip = bytes.iter().take_while(|byte| **byte == 0).count();
            out.push(0x80 | u8::try_from(bytes.len() - skip).unwrap_or(0));
            out.extend_from_slice(&bytes[skip..]);
        }
    }
    out.extend_from_slice(content);
    out
}

/// SEQUENCE of encoded values.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(0x30, &parts.concat())
}

/// SET of one encoded value.
pub(super) fn set(part: &[u8]) -> Vec<u8> {
    value(0x31, part)
}

/// INTEGER from unsigned bytes, the greatest first.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len().saturating_sub(1));
    let bytes = &bytes[skip..];
    // A leading bit would make it negative.
    let sign: &[u8] = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    value(0x02, &[sign, bytes].concat())
}

/// OBJECT IDENTIFIER, given as its encoded arcs.
pub(super) fn oid(arcs: &[u8]) -> Vec<u8> {
    value(0x06, arcs)
}

/// NULL.
pub(super) fn null() -> Vec<u8> {
    value(0x05, &[])
}

/// OCTET STRING.
pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    value(0x04, bytes)
}

/// BIT STRING whose last `unused` bits do not count.
pub(super) fn bits(unused: u8, bytes: &[u8]) -> Vec<u8> {
    value(0x03, &[&[unused], bytes].concat())
}

/// UTF8String.
pub(super) fn utf8(text: &str) -> Vec<u8> {
    value(0x0c, text.as_bytes())
}

/// GeneralizedTime of `YYYYMMDDHHMMSSZ`, or UTCTime before the year 2050, as certificates must (RFC 5280, 4.1.2.5).
pub(super) fn time(text: &str) -> Vec<u8> {
    if text < "2050" { value(0x17, &text.as_bytes()[2..]) } else { value(0x18, text.as_bytes()) }
}

/// Context-specific tag `n` around an encoded value.
pub(super) fn explicit(n: u8, encoded: &[u8]) -> Vec<u8> {
    value(0xa0 | n, encoded)
}

/// Context-specific tag `n` in place of a primitive value's own.
pub(super) fn implicit(n: u8, content: &[u8]) -> Vec<u8> {
    value(0x80 | n, content)
}

/// The parts of a value: tag, content, and what follows it. `None` if it is cut short.
pub(super) fn read(encoded: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = encoded.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ ..=0x7f => (usize::from(short), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_signs() {
        assert_eq!(value(0x04, &[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(value(0x04, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(value(0x04, &[0; 0x1234])[..4], [4, 0x82, 0x12, 0x34]);
        assert_eq!(integer(&[0]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(time("20261122180000Z"), *b"\x17\x0d261122180000Z");
        assert_eq!(time("20501122180000Z"), *b"\x18\x0f20501122180000Z");
    }

    #[test]
    fn what_is_written_is_read_and_nothing_beyond_the_end() {
        let long = value(0x30, &[9; 300]);
        let both = [long.clone(), null()].concat();
        assert_eq!(read(&both), Some((0x30, &[9; 300][..], &null()[..])));
        for cut in 0..long.len() {
            assert_eq!(read(&long[..cut]), None);
        }
        assert_eq!(read(&[0x30, 0x85, 0, 0, 0, 0, 0]), None);
    }
}
