import * as v from "valibot";
import {
    EXTENSION,
    millis,
    ours,
    referenceId,
    REQUEST_CLASS,
    REQUEST_STATE,
    type Extension,
    type TaskResource,
} from "../fhir/schema.ts";
import { requestClasses, requestStates, type RequestClass, type RequestState } from "../matrix/events.ts";

/** Somebody or something a request speaks of. */
export interface Party {
    kind: "person" | "role";
    id: string;
    display?: string | undefined;
}

/** One line of the chain of who saw it when. */
export interface Transition {
    state: RequestState;
    at: number;
    actor?: Party | undefined;
    /** Who is asked by it, if it asks somebody. */
    asks?: Party | undefined;
    step: number;
    reason?: string | undefined;
}

/** A request as the screens use it. Instants are milliseconds since the epoch. */
export interface Request {
    id: string;
    class: RequestClass;
    state: RequestState;
    patientRef?: string | undefined;
    addressed?: Party | undefined;
    requesterId?: string | undefined;
    requesterName?: string | undefined;
    raisedAt: number;
    neededBy?: number | undefined;
    changedAt: number;
    roomId?: string | undefined;
    eventId?: string | undefined;
    step: number;
    nextStepAt?: number | undefined;
    nextStep?: string | undefined;
    holderId?: string | undefined;
    holderName?: string | undefined;
    acceptedById?: string | undefined;
    acceptedByName?: string | undefined;
    chain: Transition[];
}

function party(
    reference: { reference?: string | undefined; display?: string | undefined } | undefined,
): Party | undefined {
    const role = referenceId(reference, "HealthcareService");
    if (role !== undefined) return { kind: "role", id: role, display: reference?.display };
    const person = referenceId(reference, "Practitioner");
    return person === undefined ? undefined : { kind: "person", id: person, display: reference?.display };
}

function codeOf(concept: TaskResource["code"], system: string): string | undefined {
    return concept?.coding.find((coding) => coding.system === system)?.code;
}

function isOneOf<T extends string>(known: readonly T[], value: string | undefined): value is T {
    return v.is(v.picklist(known), value);
}

function transition(extension: Extension): Transition | undefined {
    const parts = extension.extension;
    const stateValue = ours(parts, "state");
    const state = stateValue?.valueCode ?? stateValue?.valueString;
    const at = millis(ours(parts, "at")?.valueInstant);
    if (!isOneOf(requestStates, state) || at === undefined) return undefined;
    return {
        state,
        at,
        actor: party(ours(parts, "actor")?.valueReference),
        asks: party(ours(parts, "asks")?.valueReference),
        step: ours(parts, "step")?.valueInteger ?? 0,
        reason: ours(parts, "reason")?.valueString,
    };
}

/** Reads a request out of its Task; `undefined` for a Task that is not one of ours. */
export function requestFromTask(task: TaskResource): Request | undefined {
    const state = codeOf(task.businessStatus, REQUEST_STATE);
    const requestClass = codeOf(task.code, REQUEST_CLASS);
    if (!isOneOf(requestStates, state) || !isOneOf(requestClasses, requestClass)) return undefined;
    const holder = ours(task.extension, "request-holder")?.valueReference;
    const accepted = ours(task.extension, "request-accepted-by")?.valueReference;
    const raisedAt = millis(task.authoredOn) ?? 0;
    const chain = task.extension
        .filter((extension) => extension.url === `${EXTENSION}request-transition`)
        .flatMap((extension) => transition(extension) ?? [])
        .toSorted((a, b) => a.at - b.at);
    return {
        id: task.id,
        class: requestClass,
        state,
        patientRef: referenceId(task.for, "Patient"),
        addressed: party(task.owner),
        requesterId: referenceId(task.requester, "Practitioner"),
        requesterName: task.requester?.display,
        raisedAt,
        neededBy: millis(task.restriction?.period?.end),
        changedAt: millis(task.lastModified) ?? raisedAt,
        roomId: ours(task.extension, "request-room")?.valueString,
        eventId: ours(task.extension, "request-event")?.valueString,
        step: ours(task.extension, "request-step")?.valueInteger ?? 0,
        nextStepAt: millis(ours(task.extension, "request-next-step-at")?.valueInstant),
        nextStep: ours(task.extension, "request-next-step")?.valueString,
        holderId: referenceId(holder, "Practitioner"),
        holderName: holder?.display,
        acceptedById: referenceId(accepted, "Practitioner"),
        acceptedByName: accepted?.display,
        chain,
    };
}

const UNANSWERED: readonly RequestState[] = ["raised", "delivered", "seen", "declined", "failed"];

/** Still needs somebody to do something: a declined or failed request is open too, its playbook goes on asking. */
export function isOpen(request: Request): boolean {
    return request.state !== "completed" && request.state !== "cancelled";
}

/** Nobody has taken it on yet. */
export function isUnanswered(request: Request): boolean {
    return UNANSWERED.includes(request.state);
}

/** Whether `me` (a Practitioner id) is asked now, or was asked at an earlier step and has not said no. */
export function isAskedOf(request: Request, me: string): boolean {
    if (request.holderId === me) return true;
    const mine = request.chain.filter((one) => one.actor?.kind === "person" && one.actor.id === me);
    if (mine.some((one) => one.state === "declined")) return false;
    return (
        request.requesterId !== me && mine.some((one) => one.state === "delivered" || one.state === "seen")
    );
}

/** Whether `me` should do something about it. */
export function isMineToDo(request: Request, me: string): boolean {
    if (!isOpen(request)) return false;
    if (request.acceptedById !== undefined) return request.acceptedById === me;
    return isUnanswered(request) && isAskedOf(request, me);
}

/** What a person can do with a request. The names are those of the FHIR operations. */
export type Action = "accept" | "decline" | "on-my-way" | "arrived" | "complete" | "cancel";

/** The actions open to `me`, most likely first. The service takes "on my way" and "done" as accepting, too. */
export function actionsFor(request: Request, me: string): Action[] {
    const actions: Action[] = [];
    if (isMineToDo(request, me)) {
        if (isUnanswered(request)) actions.push("accept", "on-my-way", "decline", "complete");
        else if (request.state === "accepted") actions.push("on-my-way", "complete", "decline");
        else if (request.state === "on-my-way") actions.push("arrived", "complete", "decline");
        else actions.push("complete");
    }
    if (request.requesterId === me && isOpen(request)) actions.push("cancel");
    return actions;
}

/** Urgent first, then whatever is needed soonest, then oldest. */
export function byUrgency(a: Request, b: Request): number {
    const rank = (request: Request): number => requestClasses.indexOf(request.class);
    return (
        rank(a) - rank(b) || (a.neededBy ?? Infinity) - (b.neededBy ?? Infinity) || a.raisedAt - b.raisedAt
    );
}

/** What a countdown to a deadline shows: minutes and seconds left, or how long it is over. */
export function countdown(
    deadline: number,
    now: number,
): { overdue: boolean; minutes: number; seconds: number } {
    const overdue = now >= deadline;
    const whole = overdue ? Math.floor((now - deadline) / 1000) : Math.ceil((deadline - now) / 1000);
    return { overdue, minutes: Math.floor(whole / 60), seconds: whole % 60 };
}

/** The words and address of a request about to be raised. */
export interface RequestDraft {
    id: string;
    class: RequestClass;
    to: { kind: "role" | "person"; id: string; display: string };
    patientRef: string;
    roomId: string;
    requesterId: string;
    now: number;
    neededBy: number;
}

/** The Task of a new request, without its event (added when the event is sent). No clinical words go into it. */
export function taskFor(draft: RequestDraft): Record<string, unknown> {
    const type = draft.to.kind === "role" ? "HealthcareService" : "Practitioner";
    return {
        resourceType: "Task",
        id: draft.id,
        status: "requested",
        businessStatus: { coding: [{ system: REQUEST_STATE, code: "raised" }] },
        intent: "order",
        code: { coding: [{ system: REQUEST_CLASS, code: draft.class }] },
        for: { reference: `Patient/${draft.patientRef}` },
        owner: { reference: `${type}/${draft.to.id}` },
        requester: { reference: `Practitioner/${draft.requesterId}` },
        authoredOn: new Date(draft.now).toISOString(),
        restriction: { period: { end: new Date(draft.neededBy).toISOString() } },
        extension: [{ url: `${EXTENSION}request-room`, valueString: draft.roomId }],
    };
}

/** Adds the sent event to a Task made by `taskFor`. */
export function withEvent(task: Record<string, unknown>, eventId: string): Record<string, unknown> {
    const extensions = Array.isArray(task["extension"]) ? (task["extension"] as unknown[]) : [];
    return {
        ...task,
        extension: [...extensions, { url: `${EXTENSION}request-event`, valueString: eventId }],
    };
}
