use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

fn plan(roles: &[&str]) -> Vec<PlannedStep> {
    roles.iter().map(|r| PlannedStep::new(Ask::Role((*r).to_owned()), 5 * MINUTE)).collect()
}

/// One person for each step; nobody where the name is empty, several between commas.
fn people(names: &[&str]) -> Vec<Standing> {
    names.iter().map(|n| Standing::of(n.split(',').filter(|name| !name.is_empty()))).collect()
}

struct Case {
    request: Request,
    log: Vec<Transition>,
    standing: Vec<Standing>,
    at: i64,
}

impl Case {
    fn raise(holders: &[&str]) -> Self {
        let standing = people(holders);
        let roles: Vec<&str> = ["medical", "surgical", "site"].into_iter().take(holders.len()).collect();
        let raise = Raise { class: Class::Urgent, plan: plan(&roles), needed_by: None };
        let context = Context {
            actor: Some("nurse"),
            device: None,
            device_at: None,
            at: Timestamp(0),
            standing: &standing,
        };
        let (request, log) = Request::raise(raise, &context).unwrap();
        Self { request, log, standing, at: 0 }
    }

    fn say(&mut self, actor: &str, command: Command) -> Result<usize, RequestError> {
        let actor = (!actor.is_empty()).then_some(actor);
        let context = Context {
            actor,
            device: None,
            device_at: None,
            at: Timestamp(self.at),
            standing: &self.standing,
        };
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
    let next = case.request.next_step(|_| true).unwrap();
    assert_eq!(next.asks, [Ask::Role("surgical".into())]);
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
    assert_eq!((case.request.step, case.request.holders.join(",")), (1, "surg".into()));
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
    assert_eq!(case.request.holders.as_slice(), ["surg"]);
    assert_eq!(case.say("surg", Command::Decline { reason: "scrubbed".into() }), Ok(1));
    assert_eq!(case.request.state, State::Declined);
    assert_eq!(case.expire(5), 1);
    assert_eq!((case.request.state, case.request.holders.join(",")), (State::Raised, "surg".into()));
}

#[test]
fn who_accepted_can_hand_it_back() {
    let mut case = Case::raise(&["reg", "surg"]);
    case.say("reg", Command::OnMyWay).unwrap();
    assert_eq!(case.say("reg", Command::Decline { reason: "arrest call".into() }), Ok(2));
    assert_eq!((case.request.accepted_by.clone(), case.request.holders.join(",")), (None, "surg".into()));
    assert!(case.request.next_step_at.is_some());
}

#[test]
fn vacancies_are_passed_over_on_record_and_a_vacant_end_is_an_alarm() {
    let case = Case::raise(&["", "surg", "site"]);
    assert_eq!((case.request.step, case.request.holders.join(",")), (1, "surg".into()));
    assert_eq!(case.log[0].reason, Some(Reason::Vacant));
    let mut case = Case::raise(&["", "", ""]);
    assert_eq!(case.request.state, State::Failed);
    case.standing = people(&["", "", "site"]);
    assert_eq!(case.expire(5), 1);
    assert_eq!((case.request.state, case.request.holders.join(",")), (State::Raised, "site".into()));
}

#[test]
fn needed_by_shortens_the_first_wait_only() {
    let standing = people(&["reg", "surg", "site"]);
    let context = Context {
        actor: Some("nurse"),
        device: None,
        device_at: None,
        at: Timestamp(0),
        standing: &standing,
    };
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
    case.standing = people(&["reg-of-the-night", "surg"]);
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
    assert_eq!(case.request.holders.as_slice(), ["night"]);
    assert_eq!(case.request.next_step_at, Some(Timestamp(5 * MINUTE)), "the clock goes on");
    assert_eq!(case.say("", over(Some("day"), "night")), Ok(0));
    case.say("night", Command::OnMyWay).unwrap();
    case.at = 7 * MINUTE;
    assert_eq!(case.say("", over(Some("day"), "late")), Ok(0), "it was not the day's any more");
    assert_eq!(case.say("", over(Some("night"), "late")), Ok(1), "accepted, and must be accepted anew");
    assert_eq!((case.request.state, case.request.accepted_by.clone()), (State::Raised, None));
    assert_eq!(case.request.next_step_at, Some(Timestamp(12 * MINUTE)));
    assert_eq!(case.expire(5), 1, "it climbs if the incoming one does not accept it");
    assert_eq!(case.request.holders.as_slice(), ["surg"]);
    assert_eq!(case.say("", over(None, "fourth")), Ok(0), "another step is asked now");
    assert_eq!(case.say("night", Command::Complete), Ok(2), "who was there may still finish it");
}

#[test]
fn a_request_that_found_nobody_asks_who_takes_the_role() {
    let mut case = Case::raise(&[""]);
    assert_eq!(case.request.state, State::Failed);
    let command = Command::HandOver { role: "medical".into(), from: None, to: "reg".into() };
    assert_eq!(case.say("reg", command), Ok(1));
    assert_eq!((case.request.state, case.request.holders.join(",")), (State::Raised, "reg".into()));
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
    assert_eq!(case.request.holders.as_slice(), ["surg"], "it climbs as before");
}

#[test]
fn who_delegates_has_it_back_unless_the_other_accepts() {
    let to = |person: &str| Command::Delegate { to: person.to_owned() };
    let mut case = Case::raise(&["reg", "surg", "site"]);
    assert!(matches!(case.say("reg", to("sho")), Err(RequestError::NotAllowed(_))), "not accepted yet");
    case.say("reg", Command::Accept).unwrap();
    assert_eq!(case.say("surg", to("sho")), Err(RequestError::AcceptedBy("reg".into())));
    for wrong in ["reg", "nurse"] {
        assert!(matches!(case.say("reg", to(wrong)), Err(RequestError::NotAllowed(_))));
    }
    assert_eq!(case.say("reg", to("sho")), Ok(1));
    assert_eq!(case.say("reg", to("sho")), Ok(0), "a repeat changes nothing");
    assert_eq!((case.request.state, case.request.holders.join(",")), (State::Raised, "sho".into()));
    assert_eq!(case.log.last().unwrap().reason, Some(Reason::Delegated));

    assert_eq!(case.expire(5), 1);
    let returned = case.log.last().unwrap();
    assert_eq!((returned.state, returned.asks.as_deref()), (State::Accepted, Some("reg")));
    assert_eq!((returned.reason.clone(), returned.actor.clone()), (Some(Reason::Returned), None));
    assert_eq!((case.request.accepted_by.as_deref(), case.request.next_step_at), (Some("reg"), None));

    case.say("reg", to("sho")).unwrap();
    assert_eq!(case.say("sho", Command::Decline { reason: "at an arrest".into() }), Ok(2));
    assert_eq!(case.request.accepted_by.as_deref(), Some("reg"));
    case.say("reg", to("sho")).unwrap();
    assert_eq!(case.say("reg", Command::Accept), Ok(1), "taken back");
    case.say("reg", to("sho")).unwrap();
    assert_eq!(case.say("sho", Command::Complete), Ok(2), "accepted and done");
    assert_eq!((case.request.accepted_by.as_deref(), &case.request.delegated_by), (Some("sho"), &None));
}

#[test]
fn what_ends_while_it_is_delegated_goes_back_to_nobody() {
    for (who, end) in [("nurse", Command::Cancel), ("nurse", Command::StandDown), ("sho", Command::Complete)]
    {
        let mut case = Case::raise(&["reg", "surg"]);
        case.say("reg", Command::Accept).unwrap();
        case.say("reg", Command::Delegate { to: "sho".into() }).unwrap();
        assert_eq!(case.request.delegated_by.as_deref(), Some("reg"));
        case.say(who, end).unwrap();
        assert!(case.request.state.is_final());
        assert_eq!((&case.request.delegated_by, case.request.next_step_at), (&None, None));
    }
}

#[test]
fn whoever_follows_the_delegator_is_asked_too() {
    let mut case = Case::raise(&["reg", "surg"]);
    case.say("reg", Command::Accept).unwrap();
    case.say("reg", Command::Delegate { to: "sho".into() }).unwrap();
    let role = || "medical".to_owned();
    let other = Command::HandOver { role: "surgical".into(), from: Some("surg".into()), to: "nic".into() };
    assert_eq!(case.say("", other), Ok(0), "the delegator held another role");
    let follow = Command::HandOver { role: role(), from: Some("reg".into()), to: "night".into() };
    assert_eq!(case.say("", follow), Ok(1));
    assert_eq!((case.request.holders.join(","), &case.request.delegated_by), ("sho,night".into(), &None));
    assert_eq!(case.expire(5), 1);
    assert_eq!(case.request.holders, ["surg"], "and it climbs as before");
}

#[test]
fn only_who_raised_a_request_reopens_it() {
    let mut case = Case::raise(&["reg", "surg"]);
    assert_eq!(case.say("nurse", Command::Reopen), Ok(0), "it is not over");
    case.say("reg", Command::Complete).unwrap();
    assert!(matches!(case.say("reg", Command::Reopen), Err(RequestError::NotAllowed(_))));
    assert_eq!(case.say("nurse", Command::Reopen), Ok(1));
    assert_eq!((case.request.state, case.request.holders.join(",")), (State::Raised, "reg".into()));
    assert!(case.request.next_step_at.is_some() && case.request.accepted_by.is_none());
    case.say("nurse", Command::Cancel).unwrap();
    case.standing = people(&["", "surg"]);
    assert_eq!(case.say("nurse", Command::Reopen), Ok(2), "past a vacancy");
    assert_eq!(case.request.holders.as_slice(), ["surg"]);
}

/// A case whose second step asks two at once, once again, and closes only itself.
fn team_call() -> Case {
    let mut case = Case::raise(&["reg", "nic,outreach", "site"]);
    let mut plan = plan(&["medical", "team", "site"]);
    plan[1].repeat = 1;
    plan[1].closes = Closes::Step;
    case.request.plan = plan;
    case
}

#[test]
fn a_step_asks_several_at_once_and_again() {
    let mut case = team_call();
    assert_eq!(case.expire(5), 2, "a record for each");
    assert_eq!(case.request.holders, ["nic", "outreach"]);
    assert_eq!(case.say("outreach", Command::Decline { reason: "busy".into() }), Ok(1));
    assert_eq!(case.request.step, 1, "the other is still asked");
    assert_eq!(case.say("outreach", Command::Decline { reason: "busy".into() }), Ok(0));
    let same = case.request.next_step(|_| true).unwrap();
    assert_eq!(same.asks, [Ask::Role("team".into())]);
    assert_eq!(case.expire(5), 1, "only who has not declined is asked again");
    assert_eq!((case.request.step, case.request.repeats), (1, 1));
    assert_eq!(case.expire(5), 1);
    assert_eq!(case.request.holders, ["site"]);
    let mut case = team_call();
    case.expire(5);
    case.say("nic", Command::Decline { reason: "busy".into() }).unwrap();
    assert_eq!(case.say("outreach", Command::Decline { reason: "busy".into() }), Ok(2), "all declined");
    assert_eq!(case.request.holders, ["site"]);
}

#[test]
fn who_accepts_a_step_comes_too_and_the_next_is_asked() {
    let mut case = team_call();
    case.expire(5);
    assert_eq!(case.say("nic", Command::Accept), Ok(2));
    assert_eq!((case.request.state, case.request.holders.join(",")), (State::Raised, "site".into()));
    assert_eq!(case.request.accepted_by, None);
    assert_eq!(case.say("nic", Command::Accept), Ok(0));
    assert_eq!(case.say("nic", Command::OnMyWay), Ok(1));
    assert_eq!(case.say("nic", Command::OnMyWay), Ok(0));
    assert_eq!(case.request.state, State::Raised, "somebody must still answer for it");
    assert!(matches!(case.say("nic", Command::Complete), Err(RequestError::NotAllowed(_))));
    assert_eq!(case.say("outreach", Command::Arrive), Ok(2), "late, and nobody is asked for it");
    assert_eq!(case.request.helpers.len(), 2);
    assert_eq!(
        case.say("outreach", Command::OnMyWay).unwrap_err(),
        RequestError::Backwards { from: State::Arrived, to: State::OnMyWay }
    );
    assert_eq!(case.say("outreach", Command::Decline { reason: "called away".into() }), Ok(1));
    case.say("reg", Command::Accept).unwrap();
    assert_eq!(case.request.accepted_by.as_deref(), Some("reg"), "the first step closes the request");
    assert_eq!(case.say("nic", Command::Arrive), Ok(1), "who comes too may still say so");
    assert_eq!(case.say("site", Command::Accept), Err(RequestError::AcceptedBy("reg".into())));
}

#[test]
fn a_step_whose_condition_does_not_hold_is_passed_over_on_record() {
    let mut case = Case::raise(&["reg", "surg", "site"]);
    case.standing[1].applies = false;
    assert_eq!(case.expire(5), 2);
    assert_eq!(case.log[1].reason, Some(Reason::NotNow));
    assert_eq!(case.request.holders, ["site"]);
}

#[test]
fn a_comment_changes_no_state() {
    let mut case = Case::raise(&["reg", "surg"]);
    let comment = || Command::Comment { text: "theatre 2".into() };
    assert_eq!(case.say("nurse", comment()), Ok(1));
    assert!(matches!(case.say("stranger", comment()), Err(RequestError::NotAllowed(_))));
    case.say("reg", Command::Complete).unwrap();
    assert_eq!(case.say("reg", comment()), Ok(1), "also when it is over");
    assert_eq!(case.request.state, State::Completed);
    assert_eq!(case.log.last().unwrap().reason, Some(Reason::Comment("theatre 2".into())));
}

#[test]
fn where_each_counts_for_themselves_a_late_one_comes_too() {
    let mut case = Case::raise(&["reg", "site"]);
    for step in &mut case.request.plan {
        step.closes = Closes::Each;
    }
    assert_eq!(case.expire(5), 1);
    assert_eq!(case.say("site", Command::OnMyWay), Ok(2));
    assert_eq!(case.request.next_step_at, None, "nobody else is asked");
    assert_eq!(case.say("reg", Command::OnMyWay), Ok(2), "and he is not told that it is too late");
    assert_eq!(case.say("reg", Command::Arrive), Ok(1));
    assert_eq!(case.request.accepted_by.as_deref(), Some("site"));
    assert_eq!(case.request.state, State::OnMyWay, "which is hers");
    assert_eq!(case.request.helpers["reg"], State::Arrived);
    assert_eq!(case.say("reg", Command::Decline { reason: "called away".into() }), Ok(1));
    assert!(case.request.helpers.is_empty());
}

#[test]
fn a_call_that_is_over_ends_its_requests_whoever_says_so() {
    let mut case = Case::raise(&["reg", "surg"]);
    case.say("reg", Command::OnMyWay).unwrap();
    assert_eq!(case.say("site", Command::StandDown), Ok(1));
    assert_eq!(case.request.state, State::Cancelled);
    assert_eq!(case.log.last().unwrap().actor.as_deref(), Some("site"));
    assert_eq!(case.say("nurse", Command::StandDown), Ok(0), "a repetition changes nothing");
    assert!(matches!(case.say("reg", Command::Accept), Err(RequestError::Final(State::Cancelled))));
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
        Just(Command::StandDown),
        Just(Command::Comment { text: "the lift is broken".to_owned() }),
        (0_usize..3).prop_map(|to| Command::Delegate { to: ["reg", "nic", "junior"][to].to_owned() }),
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

/// How the plan of the property test stands: bit `i` of `there` says whether there is anybody at step `i`, of `holds`
/// whether its condition holds.
fn standing(steps: usize, there: u8, holds: u8) -> Vec<Standing> {
    let names = ["reg", "surg,nic", "site,reg"];
    (0..steps)
        .map(|i| {
            let mut standing = people(&[if there & (1 << i) == 0 { "" } else { names[i] }]).remove(0);
            standing.applies = i == 0 || i + 1 == steps || holds & (1 << i) != 0;
            standing
        })
        .collect()
}

proptest! {
    #[test]
    fn the_rules_hold_whatever_is_sent(
        steps in 1_usize..4,
        moves in prop::collection::vec((command(), 0_usize..8, -MINUTE..10 * MINUTE, 0_u8..8, 0_u8..8), 0..40),
        first in 0_u8..8,
        (repeat, closes) in (0_u8..3, prop_oneof![Just(Closes::Request), Just(Closes::Step), Just(Closes::Each)]),
    ) {
        let mut plan = plan(&["a", "b", "c"][..steps]);
        if steps == 3 {
            plan[1].repeat = repeat;
            plan[1].closes = closes;
        }
        let mut now = standing(steps, first, 7);
        let raise = Raise { class: Class::Urgent, plan, needed_by: None };
        let context = Context { actor: Some("nurse"), device: None, device_at: None, at: Timestamp(0), standing: &now };
        let (mut request, mut log) = Request::raise(raise, &context).unwrap();
        let mut at = 0;
        for (command, who, later, there, holds) in moves {
            at += later;
            now = standing(steps, there, holds);
            let actor = ["nurse", "reg", "surg", "nic", "site", "junior", "stranger", ""][who];
            let context = Context {
                actor: (!actor.is_empty()).then_some(actor), device: None, device_at: None, at: Timestamp(at), standing: &now,
            };
            let Ok((next, more)) = request.apply(&command, &context) else { continue };
            prop_assert!(next.step >= request.step, "forwards only");
            prop_assert!(next.step < steps);
            if request.state.is_final() && command != Command::Reopen {
                let still = Request { version: request.version, changed_at: request.changed_at, ..next.clone() };
                prop_assert_eq!(&still, &request, "the end is the end");
            }
            prop_assert_eq!(next == request, more.is_empty(), "every change is recorded");
            prop_assert_eq!(next.version, request.version + more.len() as u64);
            prop_assert!(next.changed_at >= request.changed_at, "time goes forwards");
            prop_assert_eq!(next.state.is_taken(), next.accepted_by.is_some() && !next.state.is_final());
            let clockless = next.state.is_taken() || next.state.is_final();
            prop_assert_eq!(next.next_step_at.is_none(), clockless, "nothing unanswered is without a clock");
            prop_assert_eq!(next.next_step(|_| true).is_none(), clockless);
            prop_assert!(next.holders.iter().all(|holder| next.asked.contains_key(holder)));
            prop_assert!(next.helpers.keys().all(|helper| next.asked.contains_key(helper)));
            if let Some(by) = &next.accepted_by {
                prop_assert!(next.asked.contains_key(by) && by != "stranger");
                prop_assert_eq!(next.holders.as_slice(), std::slice::from_ref(by), "who has it holds it");
            }
            if let Some(by) = &next.delegated_by {
                prop_assert!(next.accepted_by.is_none() && !next.state.is_final());
                prop_assert!(next.asked.contains_key(by) && !next.holders.contains(by));
            }
            log.extend(more);
            request = next;
        }
        prop_assert_eq!(log.len() as u64, request.version);
        prop_assert!(log.windows(2).all(|w| w[0].at <= w[1].at && w[0].step <= w[1].step));
    }
}

#[test]
fn a_device_whose_clock_is_wrong_is_noted() {
    let mut case = Case::raise(&["reg", "surg"]);
    case.at = 10 * 1000;
    let mut say = |command: Command, device_at| {
        let (actor, at) = (Some("reg"), Timestamp(case.at));
        let context = Context {
            actor,
            device: None,
            device_at: Some(Timestamp(device_at)),
            at,
            standing: &case.standing,
        };
        let (request, log) = case.request.apply(&command, &context).unwrap();
        case.request = request;
        log
    };
    assert_eq!(say(Command::Deliver, 12_000)[0].device_at, None, "two seconds are borne");
    assert_eq!(say(Command::See, 12_001)[0].device_at, Some(Timestamp(12_001)));
    let declined = say(Command::Decline { reason: String::new() }, 0);
    assert_eq!(declined[0].device_at, Some(Timestamp(0)));
    assert_eq!(declined[1].device_at, None, "the server has no device");
}
