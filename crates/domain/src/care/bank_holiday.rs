//! Bank holidays of the United Kingdom, by rule, so that a playbook knows them in any year. A day that is proclaimed
//! (a jubilee, say) is added by configuration.

use jiff::civil::{Date, Weekday, date};

/// Where the holidays are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Region {
    /// England and Wales.
    #[default]
    EnglandAndWales,
    /// Scotland: 2 January and St Andrew's Day; no Easter Monday; the summer holiday is in the first week of August.
    Scotland,
    /// Northern Ireland: St Patrick's Day and 12 July besides those of England.
    NorthernIreland,
}

/// The bank holidays of a region, with those that were proclaimed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankHolidays {
    /// Where.
    pub region: Region,
    /// Days besides those of every year.
    pub also: Vec<Date>,
}

impl BankHolidays {
    /// True if `day` is a bank holiday, or stands for one that falls on a weekend.
    #[must_use]
    pub fn contains(&self, day: Date) -> bool {
        self.also.contains(&day) || self.by_rule(day)
    }

    fn by_rule(&self, day: Date) -> bool {
        let (scotland, ireland) = (self.region == Region::Scotland, self.region == Region::NorthernIreland);
        let year = day.year();
        let (month, monday) = (day.month(), day.weekday() == Weekday::Monday);
        let easter = easter_sunday(year);
        let from_easter = |days: i64| easter.checked_add(jiff::Span::new().days(days)).ok() == Some(day);
        let last_monday = |of: i8| month == of && monday && day.day() > day.days_in_month() - 7;
        let first_monday = |of: i8| month == of && monday && day.day() <= 7;
        from_easter(-2)
            || (!scotland && from_easter(1))
            || first_monday(5)
            || last_monday(5)
            || (scotland && first_monday(8))
            || (!scotland && last_monday(8))
            || pair(day, date(year, 12, 25))
            || (if scotland { pair(day, date(year, 1, 1)) } else { single(day, date(year, 1, 1)) })
            || (scotland && single(day, date(year, 11, 30)))
            || (ireland && (single(day, date(year, 3, 17)) || single(day, date(year, 7, 12))))
    }
}

/// Whether `day` is the holiday `on`, or the Monday after it if it falls on a weekend.
fn single(day: Date, on: Date) -> bool {
    let later = match on.weekday() {
        Weekday::Saturday => 2,
        Weekday::Sunday => 1,
        _ => 0,
    };
    after(on, later) == Some(day)
}

/// Whether `day` is one of the two holidays `first` and the day after it, or stands for one of them: a holiday on a
/// weekend goes to the next day that is neither weekend nor the other holiday.
fn pair(day: Date, first: Date) -> bool {
    let (one, two) = match first.weekday() {
        Weekday::Friday => (0, 3),
        Weekday::Saturday => (2, 3),
        Weekday::Sunday => (2, 1),
        _ => (0, 1),
    };
    [one, two].into_iter().any(|later| after(first, later) == Some(day))
}

fn after(day: Date, days: i64) -> Option<Date> {
    day.checked_add(jiff::Span::new().days(days)).ok()
}

/// Easter Sunday of the Gregorian calendar (the algorithm of Meeus, Jones and Butcher).
fn easter_sunday(year: i16) -> Date {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15).rem_euclid(30);
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k).rem_euclid(7);
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    let (month, day) = ((n / 31).clamp(3, 4), (n % 31 + 1).clamp(1, 30 + i32::from(n / 31 == 3)));
    // Both are within a calendar's bounds by the clamps above.
    date(year, i8::try_from(month).unwrap_or(4), i8::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(region: Region, year: i16) -> Vec<String> {
        let holidays = BankHolidays { region, also: vec![] };
        let mut day = date(year, 1, 1);
        let mut found = Vec::new();
        while day.year() == year {
            if holidays.contains(day) {
                found.push(day.strftime("%m-%d").to_string());
            }
            day = day.tomorrow().unwrap();
        }
        found
    }

    // The dates are those that the government published for these years.
    #[test]
    fn england_and_wales() {
        let of = |year| of(Region::EnglandAndWales, year);
        assert_eq!(of(2026), ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"]);
        assert_eq!(of(2027), ["01-01", "03-26", "03-29", "05-03", "05-31", "08-30", "12-27", "12-28"]);
        assert_eq!(of(2022).len(), 8, "the jubilee of 2022 is not by rule");
        assert_eq!(of(2022)[0], "01-03", "1 January was a Saturday");
        assert_eq!(of(2022)[6..], ["12-26", "12-27"], "25 December was a Sunday");
    }

    #[test]
    fn scotland_and_northern_ireland() {
        assert_eq!(
            of(Region::Scotland, 2026),
            ["01-01", "01-02", "04-03", "05-04", "05-25", "08-03", "11-30", "12-25", "12-28"]
        );
        assert_eq!(
            of(Region::NorthernIreland, 2026),
            ["01-01", "03-17", "04-03", "04-06", "05-04", "05-25", "07-13", "08-31", "12-25", "12-28"]
        );
        assert_eq!(of(Region::Scotland, 2022)[..2], ["01-03", "01-04"]);
    }

    #[test]
    fn a_proclaimed_day_counts() {
        let holidays = BankHolidays { also: vec![date(2023, 5, 8)], ..BankHolidays::default() };
        assert!(holidays.contains(date(2023, 5, 8)) && !holidays.contains(date(2023, 5, 9)));
    }
}
