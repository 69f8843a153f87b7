//! `[clinical]`: what playbooks know of the calendar, and how often teams may be interrupted.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use wardline_clinical::Budget;
use wardline_domain::care::{
    bank_holiday::{BankHolidays, Region},
    rota::LocalTime,
};

/// `[clinical]`
#[derive(Debug, Clone, Deserialize)]
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
    /// After how many minutes without a device in use, or one that push reaches, the holder of a role counts as unreachable,
    /// which is an alarm as a vacancy is; at least 15, nought is never.
    pub unreachable_after_minutes: u32,
    /// When (by the clocks of the Trust) people are told what was sent to them for information; empty is never.
    pub digest_times: Vec<LocalTime>,
}

impl Default for Clinical {
    fn default() -> Self {
        Self {
            bank_holidays: Region::default(),
            further_bank_holidays: Vec::new(),
            interruptions_per_hour: 0,
            team_interruptions_per_hour: BTreeMap::new(),
            unreachable_after_minutes: 0,
            digest_times: vec![LocalTime::constant(9, 0, 0, 0), LocalTime::constant(17, 0, 0, 0)],
        }
    }
}

impl Clinical {
    /// After how many minutes a holder counts as unreachable.
    #[must_use]
    pub fn unreachable_after(&self) -> Option<u32> {
        // When a device was seen is known to ten minutes only.
        Some(self.unreachable_after_minutes).filter(|minutes| *minutes > 0).map(|minutes| minutes.max(15))
    }

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
