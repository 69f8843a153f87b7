use proptest::prelude::*;

use super::*;
use crate::Timestamp;
use crate::care::bank_holiday::BankHolidays;
use crate::care::request::{Reason, Standing};

fn facts<'a>(holidays: &'a BankHolidays, local: &str) -> Facts<'a> {
    Facts {
        class: Class::Urgent,
        ward: Some("ward-7"),
        site: Some("main"),
        local: local.parse().unwrap(),
        holidays,
    }
}

const GOOD: &str = r#"
    id = "deteriorating-patient"
    title = "Deteriorating patient"
    classes = ["urgent"]
    roles = ["medical-registrar"]
    [[steps]]
    ask = { addressed = true }
    wait = "5m"
    [[steps]]
    ask = { role = "surgical-registrar" }
    wait = "90s"
    [[steps]]
    ask = { role = "site-manager" }
    wait = "1h"
    must_act = true
"#;

#[test]
fn a_good_playbook_becomes_a_plan() {
    let playbook = Playbook::parse(GOOD).unwrap();
    let registrar = Ask::Role("medical-registrar".into());
    let holidays = BankHolidays::default();
    let facts = |class| Facts { class, ..facts(&holidays, "2026-11-23T10:00") };
    assert!(playbook.serves(&facts(Class::Urgent), &registrar));
    assert!(!playbook.serves(&facts(Class::Action), &registrar));
    assert!(!playbook.serves(&facts(Class::Urgent), &Ask::Role("pharmacist".into())));
    let waits: Vec<i64> = playbook.plan(&registrar).iter().map(|s| s.wait).collect();
    assert_eq!(waits, [300_000, 90_000, 3_600_000]);
    let surgical = playbook.plan(&Ask::Role("surgical-registrar".into()));
    assert_eq!(surgical.len(), 2, "nobody is asked twice on the way");
}

#[test]
fn errors_name_the_step_and_the_field() {
    let with = |from: &str, to: &str| Playbook::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
    assert_eq!(with("\"90s\"", "\"90 s\""), "step 2, wait: is written like \"90s\", \"5m\" or \"1h\"");
    assert!(with("\"90s\"", "\"9s\"").starts_with("step 2, wait: must be between"));
    assert!(with("must_act = true", "").starts_with("step 3, must_act: the last step"));
    assert!(with("wait = \"90s\"", "wait = \"90s\"\nmust_act = true").starts_with("step 2, must_act"));
    assert!(with("{ addressed = true }", "{ role = \"x\" }").starts_with("step 1, ask"));
    assert!(with("{ role = \"site-manager\" }", "{ addressed = true }").starts_with("step 3, ask"));
    assert!(
        with("{ role = \"site-manager\" }", "{ role = \"a\", person = \"b\" }").starts_with("step 3, ask")
    );
    assert!(with("[\"urgent\"]", "[\"now\"]").starts_with("playbook, classes"));
    assert!(with("id = \"deter", "id = \"de ter").starts_with("playbook, id"));
    assert!(with("title", "titel").contains("titel"));
    let empty = "id = \"a\"\ntitle = \"A\"\nclasses = [\"urgent\"]";
    assert_eq!(Playbook::parse(empty).unwrap_err().to_string(), "playbook, steps: must be between 1 and 20");
}

proptest! {
    #[test]
    fn any_text_is_refused_or_ends_with_somebody_who_must_act(text in "\\PC{0,200}", cut in 0_usize..400) {
        let damaged: String = GOOD.chars().take(cut).chain(text.chars()).collect();
        for candidate in [text, damaged] {
            if let Ok(playbook) = Playbook::parse(&candidate) {
                prop_assert!(!playbook.steps.is_empty() && playbook.steps.len() <= MAX_STEPS);
                prop_assert!(playbook.steps.iter().all(|s| s.wait >= MIN_WAIT));
            }
        }
    }
}

#[test]
fn a_step_may_ask_many_at_once_again_and_under_a_condition() {
    let text = GOOD
        .replace(
            r#"{ role = "surgical-registrar" }"#,
            r#"[{ role = "surgical-registrar" }, { team = "outreach" }, { on_duty = "ward-7" }]"#,
        )
        .replace(
            r#""90s""#,
            r#""90s"
            repeat = 2
            closes = "step"
            when = [{ hours = ["20:00-08:00"] }, { days = ["weekend", "bank-holiday"] }]"#,
        );
    let playbook = Playbook::parse(&text).unwrap();
    assert_eq!(playbook.longest(), 300_000 + 3 * 90_000);
    let step = &playbook.plan(&Ask::Person("sam".into()))[1];
    assert_eq!((step.asks.len(), step.repeat, step.closes), (3, 2, Closes::Step));
    let kept: PlannedStep = serde_json::from_str(&serde_json::to_string(step).unwrap()).unwrap();
    assert_eq!(kept, *step);
    let holidays = BankHolidays::default();
    let holds = |local: &str| step.when.holds(&facts(&holidays, local));
    assert!(holds("2026-11-23T20:00") && holds("2026-11-23T07:59") && holds("2026-12-25T12:00"));
    assert!(!holds("2026-11-23T08:00") && holds("2026-11-22T12:00"), "a Monday, a Sunday");
}

#[test]
fn conditions_look_at_class_ward_and_site() {
    let when = |text: &str| Playbook::parse(&GOOD.replace("roles =", &format!("when = {text}\n roles =")));
    let holidays = BankHolidays::default();
    let holds = |text: &str| when(text).unwrap().when.holds(&facts(&holidays, "2026-11-23T10:00"));
    assert!(holds(r#"{ wards = ["ward-6", "ward-7"], sites = ["main"], days = ["working-day"] }"#));
    assert!(!holds(r#"{ wards = ["ward-6"] }"#) && !holds(r#"{ classes = ["action"] }"#));
    assert!(!holds(r#"{ sites = ["other"], wards = ["ward-7"] }"#));
    let wrong = |text: &str| when(text).unwrap_err().to_string();
    assert_eq!(wrong("{}"), "playbook, when: must say classes, wards, sites, hours or days");
    assert!(wrong(r#"{ hours = ["8-20"] }"#).contains("hours are written like"));
    assert!(wrong(r#"{ days = ["payday"] }"#).contains("payday"));
    assert!(wrong(r#"{ ward = ["x"] }"#).contains("ward"));
}

#[test]
fn the_ends_of_a_playbook_are_asked_always() {
    let with = |from: &str, to: &str| Playbook::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
    let first = "wait = \"5m\"";
    assert!(with(first, "wait = \"5m\"\nwhen = { days = [\"monday\"] }").starts_with("step 1, when"));
    assert!(with("must_act = true", "must_act = true\ncloses = \"step\"").starts_with("step 3, closes"));
    assert!(with("must_act = true", "must_act = true\nrepeat = 1").starts_with("step 3, repeat"));
    assert!(with("wait = \"90s\"", "wait = \"90s\"\nrepeat = 11").starts_with("step 2, repeat"));
    assert!(with("{ role = \"surgical-registrar\" }", "[]").starts_with("step 2, ask"));
    let named = "[{ addressed = true }, { role = \"bed-manager\" }]";
    let both = Playbook::parse(&GOOD.replace("{ addressed = true }", named)).unwrap();
    assert_eq!(both.plan(&Ask::Role("bed-manager".into()))[0].asks.len(), 1, "nobody is asked twice");
}

#[test]
fn a_simulation_ends_when_the_last_was_asked_again() {
    let plan = Playbook::parse(GOOD).unwrap().plan(&Ask::Role("medical-registrar".into()));
    let people = |plan: &[PlannedStep], _| -> Vec<Standing> {
        plan.iter()
            .map(|step| Standing::of(step.asks.iter().map(Ask::id).filter(|r| !r.starts_with("surg"))))
            .collect()
    };
    let log = simulate(Class::Urgent, plan, "nurse", Timestamp(0), people).unwrap();
    let seen: Vec<_> =
        log.iter().map(|t| (t.at.as_millis() / 1000, t.asks.as_deref(), t.reason.clone())).collect();
    assert_eq!(
        seen,
        [
            (0, Some("medical-registrar"), None),
            (300, None, Some(Reason::Vacant)),
            (300, Some("site-manager"), Some(Reason::NoAnswer)),
            (3900, Some("site-manager"), Some(Reason::NoAnswer)),
        ]
    );
}

#[test]
fn gaps_are_what_shifts_leave() {
    let at = Timestamp;
    let found = gaps(&[(at(5), at(10)), (at(-5), at(2)), (at(9), at(12)), (at(15), at(99))], at(0), at(20));
    assert_eq!(found, [Gap { from: at(2), until: at(5) }, Gap { from: at(12), until: at(15) }]);
    assert_eq!(gaps(&[], at(0), at(20)), [Gap { from: at(0), until: at(20) }]);
    assert!(gaps(&[(at(0), at(20))], at(0), at(20)).is_empty());
}

const CALL: &str = r#"
    id = "crash"
    title = "Crash call"
    classes = ["urgent"]
    only_by_name = true
    call = true
    [[steps]]
    ask = [{ addressed = true }, { role = "registrar" }, { role = "anaesthetist" }, { person = "sam" }]
    wait = "30s"
    repeat = 2
    [[steps]]
    ask = { role = "registrar" }
    wait = "40s"
    [[steps]]
    ask = { role = "site-manager" }
    wait = "30s"
    must_act = true
"#;

#[test]
fn a_call_has_a_plan_for_each_whom_it_names() {
    let plans = Playbook::parse(CALL).unwrap().call_plans();
    let called: Vec<&str> = plans.iter().map(|(ask, _)| ask.id()).collect();
    assert_eq!(called, ["registrar", "anaesthetist", "sam"]);
    for (ask, plan) in &plans {
        assert_eq!(plan[0].asks.as_slice(), std::slice::from_ref(ask), "they alone");
        assert_eq!((plan[0].wait, plan[0].repeat), (30_000, 2));
        assert!(plan.iter().all(|step| step.closes == Closes::Each));
        assert_eq!(plan.last().unwrap().asks, [Ask::Role("site-manager".into())]);
    }
    assert_eq!((plans[0].1.len(), plans[1].1.len()), (2, 3), "nobody is asked twice on the way");
    assert!(Playbook::parse(GOOD).unwrap().call_plans().is_empty());
}

#[test]
fn a_call_that_calls_nobody_is_refused() {
    let with = |from: &str, to: &str| Playbook::parse(&CALL.replacen(from, to, 1)).unwrap_err().to_string();
    assert!(with("only_by_name = true", "").starts_with("playbook, call"));
    assert!(with("[\"urgent\"]", "[\"action\"]").starts_with("playbook, call"));
    assert!(with("{ person = \"sam\" }", "{ team = \"x\" }").starts_with("step 1, ask"));
    assert!(with("{ person = \"sam\" }", "{ role = \"registrar\" }").starts_with("step 1, ask"));
    let nobody = with(
        "{ addressed = true }, { role = \"registrar\" }, { role = \"anaesthetist\" }, { person = \"sam\" }",
        "{ addressed = true }",
    );
    assert!(nobody.starts_with("step 1, ask"));
}
