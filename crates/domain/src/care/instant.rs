//! Instants as FHIR R4 writes them (data type `instant`).

use crate::Timestamp;

impl Timestamp {
    /// This instant in UTC with milliseconds, as in `2026-11-22T08:00:00.000Z`. An instant outside the years that
    /// can be written is held at the nearest.
    #[must_use]
    pub fn to_instant(self) -> String {
        let nearest = if self.as_millis() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let at = jiff::Timestamp::from_millisecond(self.as_millis()).unwrap_or(nearest);
        at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    /// Reads an instant with a time zone; `None` if it is not one. Parts below a millisecond are dropped.
    #[must_use]
    pub fn from_instant(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn written_and_read() {
        assert_eq!(Timestamp(1_795_348_800_007).to_instant(), "2026-11-22T12:00:00.007Z");
        assert_eq!(
            Timestamp::from_instant("2026-11-22T13:00:00.007+01:00"),
            Some(Timestamp(1_795_348_800_007))
        );
        assert_eq!(Timestamp::from_instant("2026-11-22"), None);
        assert_eq!(Timestamp::from_instant("soon"), None);
    }

    proptest! {
        #[test]
        fn comes_back(millis in -60_000_000_000_000_i64..250_000_000_000_000) {
            prop_assert_eq!(Timestamp::from_instant(&Timestamp(millis).to_instant()), Some(Timestamp(millis)));
        }

        #[test]
        fn never_panics(millis in any::<i64>(), text in "\\PC{0,40}") {
            let _ = Timestamp(millis).to_instant();
            let _ = Timestamp::from_instant(&text);
        }
    }
}
