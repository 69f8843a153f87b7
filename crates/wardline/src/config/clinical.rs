//! `[clinical]`: what playbooks know of the calendar.

use jiff::civil::Date;
use serde::Deserialize;
use wardline_domain::care::bank_holiday::{BankHolidays, Region};

/// `[clinical]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clinical {
    /// Whose bank holidays are kept: `england-and-wales` (the default), `scotland` or `northern-ireland`.
    pub bank_holidays: Region,
    /// Days that were proclaimed besides, as `2027-06-03`.
    pub further_bank_holidays: Vec<Date>,
}

impl Clinical {
    /// The bank holidays.
    #[must_use]
    pub fn holidays(&self) -> BankHolidays {
        BankHolidays { region: self.bank_holidays, also: self.further_bank_holidays.clone() }
    }
}
