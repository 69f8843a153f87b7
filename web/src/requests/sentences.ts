/** The sentences that say where a request stands. */
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import { HANDED_OVER, type Party, type Request, type Transition } from "./model.ts";

/** Reasons for which the service passes a step over, in its words. */
const VACANT = "nobody holds this role";
const ALREADY_ASKED = "already asked";
const NOT_NOW = "not at this time";
const PASSED_ON = "passed on";
const REOPENED = "reopened";
const DELEGATED = "delegated";
const RETURNED = "returned to who delegated it";
const NO_ANSWER = "no answer";

type Name = (party: Party | undefined) => string;

function person(id: string | undefined, display?: string): Party | undefined {
    return id === undefined ? undefined : { kind: "person", id, display };
}

/** The transition that brought the present state, for "when". */
function latest(request: Request): Transition | undefined {
    return request.chain.findLast((one) => one.state === request.state);
}

/** Where it stands: `Accepted by Dr Amy Reed`. */
export function stateLine(request: Request, name: Name): string {
    const several = request.holders.length > 1 ? request.addressed : undefined;
    const holder = several ?? person(request.holderId, request.holderName) ?? request.addressed;
    const taker = person(request.acceptedById, request.acceptedByName) ?? latest(request)?.actor ?? holder;
    const words = t.requests.state;
    switch (request.state) {
        case "raised":
        case "delivered":
        case "seen":
            return words[request.state](name(holder));
        case "accepted":
        case "on-my-way":
        case "arrived":
        case "completed":
            return words[request.state](name(taker));
        case "declined":
        case "cancelled":
        case "failed":
            return words[request.state];
    }
}

/** When that happened: `at 14:05`. */
export function stateTime(request: Request, now: number): string {
    return t.requests.at(clockWithDay(latest(request)?.at ?? request.changedAt, now));
}

/** What happens if nobody accepts, while that can happen. */
export function nextStepLine(request: Request, now: number): string | undefined {
    if (request.nextStepAt === undefined) return undefined;
    const time = clockWithDay(request.nextStepAt, now);
    return request.nextStep === undefined
        ? t.requests.nextStepUnnamed(time)
        : t.requests.nextStep(request.nextStep, time);
}

/** One line of the chain of who saw it when. */
export function chainLine(transition: Transition, first: boolean, name: Name): string {
    const step = transition.step + 1;
    const asked = transition.asks && name(transition.asks);
    if (transition.comment !== undefined && transition.actor)
        return t.requests.chainComment(name(transition.actor), transition.comment);
    if (transition.state === "raised") {
        if (transition.reason === NOT_NOW) return t.requests.chainNotNow(step);
        if (transition.reason === PASSED_ON) return t.requests.chainPassedOn(name(transition.actor), asked);
        if (transition.reason === DELEGATED) return t.requests.chainDelegated(name(transition.actor), asked);
        if (transition.reason === REOPENED) return t.requests.chainReopened(name(transition.actor), asked);
        if (transition.reason === HANDED_OVER) return t.requests.chainHandedOver(asked);
        if (transition.reason === VACANT) return t.requests.chainVacant(step);
        if (transition.reason === ALREADY_ASKED) return t.requests.chainAlready(step);
        if (first && transition.actor) return t.requests.chainRaised(name(transition.actor), asked);
        return t.requests.chainNext(step, asked) + because(transition);
    }
    if (transition.reason === RETURNED) return t.requests.chainReturned(name(transition.asks));
    const words = t.requests.chainLine[transition.state];
    const line = transition.actor
        ? `${words} ${name(transition.actor)}`
        : t.requests.stateName[transition.state];
    return line + because(transition);
}

function because(transition: Transition): string {
    if (transition.reason === undefined) return "";
    return ` (${transition.reason === NO_ANSWER ? t.requests.noAnswer : transition.reason})`;
}
