//! `[clinical]`: what playbooks know of the calendar, and how often teams may be interrupted.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use wardline_clinical::Budget;
use wardline_domain::care::bank_holiday::{BankHolidays, Region};

/// `[clinical]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clinical {
    /// Whose bank holidays are kept: `england-and-wales` (the default), `scotland` or `northern-ireland`.
    pub bank_holidays: Region,
    /// Days that were proclaimed besides, as `2027-06-03`.
    pub further_bank_holidays: Vec<Date>,
    /// How many interruptions an hour a team bears before requests of class `action` make no sound; nought is no limit.
    pub interruptions_per_hour: u32,
    /// The same for particular teams, by the id of the CareTeam.
    pub team_interruptions_per_hour: BTreeMap<String, u32>,
}

impl Clinical {
    /// The budgets of interruptions.
    #[must_use]
    pub fn budget(&self) -> Budget {
        let each = Some(self.interruptions_per_hour).filter(|most| *most > 0);
        Budget { each, teams: self.team_interruptions_per_hour.clone() }
    }

    /// The bank holidays.
    #[must_use]
    pub fn holidays(&self) -> BankHolidays {
        BankHolidays { region: self.bank_holidays, also: self.further_bank_holidays.clone() }
    }
}
