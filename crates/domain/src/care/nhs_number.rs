//! The NHS number: ten digits of which the last is a modulus 11 check digit
//! (NHS Data Dictionary, attribute NHS NUMBER).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A valid NHS number. It cannot exist with a wrong check digit.
///
/// `Display` gives the prescribed 3-3-4 form; `Debug` hides the digits, so that a number never
/// reaches a log by accident.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NhsNumber([u8; 10]);

/// Why a text is not an NHS number. The text itself is never repeated in the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NhsNumberError {
    /// A character other than a digit, a space or a hyphen between groups.
    #[error("an NHS number has digits only, with a different character at position {0}")]
    Character(usize),
    /// More or fewer than ten digits.
    #[error("an NHS number has 10 digits, not {0}")]
    Length(usize),
    /// The last digit does not fit the first nine.
    #[error("the check digit of this NHS number is wrong")]
    CheckDigit,
}

impl NhsNumber {
    /// The ten digits without spaces.
    #[must_use]
    pub fn digits(&self) -> String {
        self.0.iter().map(|d| char::from(b'0' + d)).collect()
    }

    /// The NHS number that begins with these nine digits, or `None` if they have no valid check digit
    /// (the remainder calls for a "10") or a value is above 9.
    #[must_use]
    pub fn from_first_nine(nine: [u8; 9]) -> Option<Self> {
        if nine.iter().any(|d| *d > 9) {
            return None;
        }
        let check = check_digit(&nine)?;
        let mut digits = [0; 10];
        digits[..9].copy_from_slice(&nine);
        digits[9] = check;
        Some(Self(digits))
    }
}

/// Weights 10 down to 2; eleven minus the remainder; 11 stands for 0 and 10 for "never issued".
fn check_digit(nine: &[u8]) -> Option<u8> {
    let sum: u32 = nine.iter().zip((2..=10_u32).rev()).map(|(d, weight)| u32::from(*d) * weight).sum();
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => u8::try_from(digit).ok(),
    }
}

impl FromStr for NhsNumber {
    type Err = NhsNumberError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digits = Vec::with_capacity(10);
        for (at, c) in text.trim().chars().enumerate() {
            match c.to_digit(10) {
                Some(d) => digits.push(u8::try_from(d).unwrap_or_default()),
                None if c == ' ' || c == '-' => {}
                None => return Err(NhsNumberError::Character(at + 1)),
            }
        }
        let digits: [u8; 10] = digits.try_into().map_err(|d: Vec<u8>| NhsNumberError::Length(d.len()))?;
        if check_digit(&digits[..9]) == Some(digits[9]) {
            Ok(Self(digits))
        } else {
            Err(NhsNumberError::CheckDigit)
        }
    }
}

impl TryFrom<String> for NhsNumber {
    type Error = NhsNumberError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<NhsNumber> for String {
    fn from(number: NhsNumber) -> Self {
        number.digits()
    }
}

impl fmt::Display for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = self.digits();
        write!(f, "{} {} {}", &d[..3], &d[3..6], &d[6..])
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_numbers() {
        for good in ["9434765919", "943 476 5919", "999-000-0018", " 4010232137 "] {
            let number: NhsNumber = good.parse().unwrap();
            assert_eq!(number.to_string().parse(), Ok(number));
        }
        assert_eq!("9434765919".parse::<NhsNumber>().unwrap().to_string(), "943 476 5919");
        assert_eq!("9434765918".parse::<NhsNumber>(), Err(NhsNumberError::CheckDigit));
        assert_eq!("943476591".parse::<NhsNumber>(), Err(NhsNumberError::Length(9)));
        assert_eq!("94347659190".parse::<NhsNumber>(), Err(NhsNumberError::Length(11)));
        assert_eq!("943476591X".parse::<NhsNumber>(), Err(NhsNumberError::Character(10)));
        assert_eq!("".parse::<NhsNumber>(), Err(NhsNumberError::Length(0)));
    }

    #[test]
    fn debug_hides_the_digits() {
        let number: NhsNumber = "9434765919".parse().unwrap();
        assert!(!format!("{number:?}").contains("943"));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_round_trips(text in "\\PC*") {
            if let Ok(number) = text.parse::<NhsNumber>() {
                prop_assert_eq!(number.digits().parse::<NhsNumber>(), Ok(number));
                prop_assert_eq!(number.to_string().len(), 12);
            }
        }

        #[test]
        fn one_wrong_digit_is_always_found(nine in prop::array::uniform9(0_u8..10), at in 0_usize..10, by in 1_u8..10) {
            if let Some(number) = NhsNumber::from_first_nine(nine) {
                let mut wrong = number.0;
                wrong[at] = (wrong[at] + by) % 10;
                let text: String = wrong.iter().map(|d| char::from(b'0' + d)).collect();
                prop_assert_eq!(text.parse::<NhsNumber>(), Err(NhsNumberError::CheckDigit));
            }
        }

        #[test]
        fn neighbours_swapped_are_always_found(nine in prop::array::uniform9(0_u8..10), at in 0_usize..9) {
            if let Some(number) = NhsNumber::from_first_nine(nine) {
                let mut wrong = number.0;
                wrong.swap(at, at + 1);
                let text: String = wrong.iter().map(|d| char::from(b'0' + d)).collect();
                prop_assert_eq!(text.parse::<NhsNumber>().is_ok(), wrong == number.0);
            }
        }
    }
}
