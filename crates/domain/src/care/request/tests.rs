use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

fn plan(roles: &[&str]) -> Vec<PlannedStep> {
    roles.iter().map(|r| PlannedStep { ask: Ask::Role((*r).to_owned()), wait: 5 * MINUTE }).collect()
}

fn people(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|n| (!n.is_empty()).then(|| (*n).to_owned())).collect()
}

struct Case {
    request: Request,
    log: Vec<Transition>,
    holders: Vec<Option<String>>,
    at: i64,
}

impl Case {
    fn raise(holders: &[&str]) -> Self {
        let holders = people(holders);
        let roles: Vec<&str> = ["medical", "surgical", "site"].into_iter().take(holders.len()).collect();
        let raise = Raise { class: Class::Urgent, plan: plan(&roles), needed_by: None };
        let context = Context { actor: Some("nurse"), device: None, at: Timestamp(0), holders: &holders };
        let (request, log) = Request::raise(raise, &context).unwrap();
        Self { request, log, holders, at: 0 }
    }

    fn say(&mut self, actor: &str, command: Command) -> Result<usize, RequestError> {
        let actor = (!actor.is_empty()).then_some(actor);
        let context = Context { actor, device: None, at: Timestamp(self.at), holders: &self.holders };
        let (request, log) = self.request.apply(&command, &context)?;
        self.request = request;
        self.log.extend(log.clone());
        Ok(log.len())
    }

    fn expire(&mut self, minutes: i64) -> usize {
        self.at += minutes * MINUTE;
        let step = self.request.step;
        self.say("", Command::Expire { step }).unwrap()
    }
}

#[test]
fn raised_delivered_seen_accepted_done() {
    let mut case = Case::raise(&["reg", "surg", "site"]);
    assert_eq!(case.request.next_step_at, Some(Timestamp(5 * MINUTE)));
    assert_eq!(case.request.next_ask(), Some(&Ask::Role("surgical".into())));
    for command in [
        Command::Deliver,
        Command::See,
        Command::Accept,
        Command::OnMyWay,
        Command::Arrive,
        Command::Complete,
    ] {
        assert_eq!(case.say("reg", command.clone()), Ok(1));
        assert_eq!(case.say("reg", command), Ok(0), "a repeat changes nothing");
    }
    let states: Vec<State> = case.log.iter().map(|t| t.state).collect();
    use State::{Accepted, Arrived, Completed, Delivered, OnMyWay, Raised, Seen};
    assert_eq!(states, [Raised, Delivered, Seen, Accepted, OnMyWay, Arrived, Completed]);
    assert_eq!(case.request.next_step_at, None);
    assert_eq!(case.say("nurse", Command::Cancel), Err(RequestError::Final(Completed)));
}

#[test]
fn nobody_answers_and_it_climbs_to_the_one_who_must_act() {
    let mut case = Case::raise(&["reg", "surg", "site"]);
    assert_eq!(case.expire(4), 0, "not yet");
    assert_eq!(case.expire(1), 1);
    assert_eq!((case.request.step, case.request.holder.as_deref()), (1, Some("surg")));
    assert_eq!(case.expire(5), 1);
    assert_eq!((case.request.step, case.request.overdue), (2, false));
    for _ in 0..5 {
        assert_eq!(case.expire(5), 1, "the last is asked again and again");
        assert_eq!(case.log.last().unwrap().asks.as_deref(), Some("site"));
    }
    assert!(case.request.overdue);
    assert_eq!(case.say("reg", Command::Accept), Ok(1), "who was asked earlier may still come");
}

#[test]
fn the_second_accept_hears_who_was_first() {
    let mut case = Case::raise(&["reg", "surg", "site"]);
    case.expire(5);
    case.say("surg", Command::Accept).unwrap();
    assert_eq!(case.say("reg", Command::Accept), Err(RequestError::AcceptedBy("surg".into())));
    assert_eq!(case.say("reg", Command::Complete), Err(RequestError::AcceptedBy("surg".into())));
    assert_eq!(
        case.say("reg", Command::Decline { reason: "x".into() }),
        Err(RequestError::AcceptedBy("surg".into()))
    );
}

#[test]
fn a_decline_escalates_at_once_and_the_last_one_is_asked_again() {
    let mut case = Case::raise(&["reg", "surg"]);
    assert_eq!(case.say("reg", Command::Decline { reason: "in theatre".into() }), Ok(2));
    assert_eq!(case.request.holder.as_deref(), Some("surg"));
    assert_eq!(case.say("surg", Command::Decline { reason: "scrubbed".into() }), Ok(1));
    assert_eq!(case.request.state, State::Declined);
    assert_eq!(case.expire(5), 1);
    assert_eq!((case.request.state, case.request.holder.as_deref()), (State::Raised, Some("surg")));
}

#[test]
fn who_accepted_can_hand_it_back() {
    let mut case = Case::raise(&["reg", "surg"]);
    case.say("reg", Command::OnMyWay).unwrap();
    assert_eq!(case.say("reg", Command::Decline { reason: "arrest call".into() }), Ok(2));
    assert_eq!((case.request.accepted_by.clone(), case.request.holder.as_deref()), (None, Some("surg")));
    assert!(case.request.next_step_at.is_some());
}

#[test]
fn vacancies_are_passed_over_on_record_and_a_vacant_end_is_an_alarm() {
    let case = Case::raise(&["", "surg", "site"]);
    assert_eq!((case.request.step, case.request.holder.as_deref()), (1, Some("surg")));
    assert_eq!(case.log[0].reason, Some(Reason::Vacant));
    let mut case = Case::raise(&["", "", ""]);
    assert_eq!(case.request.state, State::Failed);
    case.holders = people(&["", "", "site"]);
    assert_eq!(case.expire(5), 1);
    assert_eq!((case.request.state, case.request.holder.as_deref()), (State::Raised, Some("site")));
}

#[test]
fn needed_by_shortens_the_first_wait_only() {
    let holders = people(&["reg", "surg", "site"]);
    let context = Context { actor: Some("nurse"), device: None, at: Timestamp(0), holders: &holders };
    let needed_by = Some(Timestamp(MINUTE));
    let raise = Raise { class: Class::Urgent, plan: plan(&["medical", "surgical", "site"]), needed_by };
    let (request, _) = Request::raise(raise, &context).unwrap();
    assert_eq!(request.next_step_at, Some(Timestamp(MINUTE)));
    let context = Context { actor: None, at: Timestamp(MINUTE), ..context };
    let (request, _) = request.apply(&Command::Expire { step: 0 }, &context).unwrap();
    assert_eq!(request.next_step_at, Some(Timestamp(6 * MINUTE)));
}

#[test]
fn strangers_and_the_wrong_hands_are_refused() {
    let mut case = Case::raise(&["reg", "surg"]);
    let asked = RequestError::NotAllowed("a person who was asked");
    assert_eq!(case.say("passer-by", Command::Accept), Err(asked.clone()));
    assert_eq!(case.say("surg", Command::Accept), Err(asked.clone()), "not asked yet");
    assert_eq!(case.say("", Command::Accept), Err(asked));
    assert_eq!(case.say("reg", Command::Cancel), Err(RequestError::NotAllowed("the person who raised it")));
    case.holders = people(&["reg-of-the-night", "surg"]);
    assert_eq!(case.say("reg-of-the-night", Command::Accept), Ok(1), "the role moved on to them");
}

#[test]
fn an_open_request_follows_its_role() {
    let over = |from: Option<&str>, to: &str| Command::HandOver {
        role: "medical".into(),
        from: from.map(ToOwned::to_owned),
        to: to.into(),
    };
    let mut case = Case::raise(&["day", "surg"]);
    case.at = MINUTE;
    assert_eq!(case.say("", over(Some("day"), "night")), Ok(1));
    assert_eq!(case.request.holder.as_deref(), Some("night"));
    assert_eq!(case.request.next_step_at, Some(Timestamp(5 * MINUTE)), "the clock goes on");
    assert_eq!(case.say("", over(Some("day"), "night")), Ok(0));
    case.say("night", Command::OnMyWay).unwrap();
    case.at = 7 * MINUTE;
    assert_eq!(case.say("", over(Some("day"), "late")), Ok(0), "it was not the day's any more");
    assert_eq!(case.say("", over(Some("night"), "late")), Ok(1), "accepted, and must be accepted anew");
    assert_eq!((case.request.state, case.request.accepted_by.clone()), (State::Raised, None));
    assert_eq!(case.request.next_step_at, Some(Timestamp(12 * MINUTE)));
    assert_eq!(case.expire(5), 1, "it climbs if the incoming one does not accept it");
    assert_eq!(case.request.holder.as_deref(), Some("surg"));
    assert_eq!(case.say("", over(None, "fourth")), Ok(0), "another step is asked now");
    assert_eq!(case.say("night", Command::Complete), Ok(2), "who was there may still finish it");
}

#[test]
fn a_request_that_found_nobody_asks_who_takes_the_role() {
    let mut case = Case::raise(&[""]);
    assert_eq!(case.request.state, State::Failed);
    let command = Command::HandOver { role: "medical".into(), from: None, to: "reg".into() };
    assert_eq!(case.say("reg", command), Ok(1));
    assert_eq!((case.request.state, case.request.holder.as_deref()), (State::Raised, Some("reg")));
}

#[test]
fn a_request_is_passed_on_to_another_person() {
    let to = |person: &str| Command::Reassign { to: person.into() };
    let mut case = Case::raise(&["reg", "surg"]);
    assert!(matches!(case.say("stranger", to("friend")), Err(RequestError::NotAllowed(_))));
    assert!(matches!(case.say("reg", to("nurse")), Err(RequestError::NotAllowed(_))));
    case.at = 4 * MINUTE;
    assert_eq!(case.say("reg", to("fellow")), Ok(1));
    assert_eq!(case.say("reg", to("fellow")), Ok(0), "a repeat changes nothing");
    assert_eq!(case.request.next_step_at, Some(Timestamp(9 * MINUTE)), "they have the step's time");
    case.say("fellow", Command::Accept).unwrap();
    assert_eq!(case.say("reg", to("third")), Err(RequestError::AcceptedBy("fellow".into())));
    assert_eq!(case.say("fellow", to("third")), Ok(1), "who accepted may pass it on");
    assert_eq!((case.request.state, case.request.accepted_by.clone()), (State::Raised, None));
    assert_eq!(case.say("nurse", to("reg")), Ok(1), "and who raised it");
    assert_eq!(case.expire(5), 1);
    assert_eq!(case.request.holder.as_deref(), Some("surg"), "it climbs as before");
}

#[test]
fn only_who_raised_a_request_reopens_it() {
    let mut case = Case::raise(&["reg", "surg"]);
    assert_eq!(case.say("nurse", Command::Reopen), Ok(0), "it is not over");
    case.say("reg", Command::Complete).unwrap();
    assert!(matches!(case.say("reg", Command::Reopen), Err(RequestError::NotAllowed(_))));
    assert_eq!(case.say("nurse", Command::Reopen), Ok(1));
    assert_eq!((case.request.state, case.request.holder.as_deref()), (State::Raised, Some("reg")));
    assert!(case.request.next_step_at.is_some() && case.request.accepted_by.is_none());
    case.say("nurse", Command::Cancel).unwrap();
    case.holders = people(&["", "surg"]);
    assert_eq!(case.say("nurse", Command::Reopen), Ok(2), "past a vacancy");
    assert_eq!(case.request.holder.as_deref(), Some("surg"));
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Deliver),
        Just(Command::See),
        Just(Command::Accept),
        Just(Command::Decline { reason: "busy".to_owned() }),
        Just(Command::OnMyWay),
        Just(Command::Arrive),
        Just(Command::Complete),
        Just(Command::Cancel),
        Just(Command::Reopen),
        (0_usize..3).prop_map(|to| Command::Reassign { to: ["reg", "surg", "nurse"][to].to_owned() }),
        (0_usize..4).prop_map(|step| Command::Expire { step }),
        (0_usize..4).prop_map(|step| Command::Expire { step }),
        (0_usize..3, 0_usize..4, 0_usize..3).prop_map(|(role, from, to)| {
            let people = ["reg", "surg", "site"];
            Command::HandOver {
                role: ["a", "b", "c"][role].to_owned(),
                from: people.get(from).map(|p| (*p).to_owned()),
                to: people[to].to_owned(),
            }
        }),
    ]
}

proptest! {
    #[test]
    fn the_rules_hold_whatever_is_sent(
        steps in 1_usize..4,
        moves in prop::collection::vec((command(), 0_usize..6, -MINUTE..10 * MINUTE, 0_u8..8), 0..40),
        first in 0_u8..8,
    ) {
        let names = ["reg", "surg", "site"];
        let holders = |mask: u8| -> Vec<Option<String>> {
            (0..steps).map(|i| (mask & (1 << i) != 0).then(|| names[i].to_owned())).collect()
        };
        let mut now = holders(first);
        let raise = Raise { class: Class::Urgent, plan: plan(&["a", "b", "c"][..steps]), needed_by: None };
        let context = Context { actor: Some("nurse"), device: None, at: Timestamp(0), holders: &now };
        let (mut request, mut log) = Request::raise(raise, &context).unwrap();
        let mut at = 0;
        for (command, who, later, mask) in moves {
            at += later;
            now = holders(mask);
            let actor = ["nurse", "reg", "surg", "site", "stranger", ""][who];
            let context = Context {
                actor: (!actor.is_empty()).then_some(actor), device: None, at: Timestamp(at), holders: &now,
            };
            let Ok((next, more)) = request.apply(&command, &context) else { continue };
            prop_assert!(next.step >= request.step, "forwards only");
            prop_assert!(next.step < steps);
            let may_end = command != Command::Reopen && request.state.is_final();
            prop_assert!(!may_end || next == request, "the end is the end");
            prop_assert_eq!(next == request, more.is_empty(), "every change is recorded");
            prop_assert_eq!(next.version, request.version + more.len() as u64);
            prop_assert!(next.changed_at >= request.changed_at, "time goes forwards");
            prop_assert_eq!(next.state.is_taken(), next.accepted_by.is_some() && !next.state.is_final());
            let clockless = next.state.is_taken() || next.state.is_final();
            prop_assert_eq!(next.next_step_at.is_none(), clockless, "nothing unanswered is without a clock");
            if let Some(by) = &next.accepted_by {
                prop_assert!(next.asked.contains(by) && by != "stranger");
            }
            log.extend(more);
            request = next;
        }
        prop_assert_eq!(log.len() as u64, request.version);
        prop_assert!(log.windows(2).all(|w| w[0].at <= w[1].at && w[0].step <= w[1].step));
    }
}
