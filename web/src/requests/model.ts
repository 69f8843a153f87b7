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
import {
    addresseeKinds,
    requestClasses,
    requestStates,
    type RequestClass,
    type RequestState,
} from "../matrix/events.ts";

/** Somebody or something a request speaks of; a ward is whoever covers it. */
export interface Party {
    kind: (typeof addresseeKinds)[number];
    id: string;
    display?: string | undefined;
}

/** Whom a request is addressed to. */
export interface Addressee extends Party {
    display: string;
}

/** The resource that each kind is. */
const RESOURCES: Record<Party["kind"], string> = {
    role: "HealthcareService",
    person: "Practitioner",
    team: "CareTeam",
    ward: "Location",
};

/** The FHIR reference of a party. */
export function referenceTo({ kind, id }: Party): string {
    return `${RESOURCES[kind]}/${id}`;
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
    /** What somebody said about it; then nothing else changed. */
    comment?: string | undefined;
    /** The device on which the actor did it. */
    device?: string | undefined;
    /** What the clock of that device showed, where it differs from the server's by more than two seconds. */
    deviceAt?: number | undefined;
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
    /** The conversation of that event, where it is another one: two records of the patient were joined. */
    eventRoomId?: string | undefined;
    step: number;
    nextStepAt?: number | undefined;
    nextStep?: string | undefined;
    holderId?: string | undefined;
    holderName?: string | undefined;
    /** Everybody who is asked now. */
    holders: Party[];
    /** Those who come too, besides whoever accepted. */
    helpers: Party[];
    /** What a request of the server itself is about, in plain words. */
    description?: string | undefined;
    playbook?: string | undefined;
    /** Who accepted it and asks somebody else to do it: theirs again unless that one accepts. */
    delegatedById?: string | undefined;
    overdue: boolean;
    version?: string | undefined;
    acceptedById?: string | undefined;
    acceptedByName?: string | undefined;
    /** The crash call of which it is part. */
    call?: { id: string; title: string; place: string; drill: boolean } | undefined;
    chain: Transition[];
}

function party(
    reference: { reference?: string | undefined; display?: string | undefined } | undefined,
): Party | undefined {
    for (const kind of addresseeKinds) {
        const id = referenceId(reference, RESOURCES[kind]);
        if (id !== undefined) return { kind, id, display: reference?.display };
    }
    return undefined;
}

function parties(extensions: readonly Extension[], name: string): Party[] {
    return extensions
        .filter((one) => one.url === EXTENSION + name)
        .flatMap((one) => party(one.valueReference) ?? []);
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
        comment: ours(parts, "comment")?.valueString,
        device: ours(parts, "device")?.valueString,
        deviceAt: millis(ours(parts, "device-at")?.valueInstant),
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
        addressed: party(task.owner ?? task.location),
        requesterId: referenceId(task.requester, "Practitioner"),
        requesterName: task.requester?.display,
        raisedAt,
        neededBy: millis(task.restriction?.period?.end),
        changedAt: millis(task.lastModified) ?? raisedAt,
        roomId: ours(task.extension, "request-room")?.valueString,
        eventId: ours(task.extension, "request-event")?.valueString,
        eventRoomId: ours(task.extension, "request-event-room")?.valueString,
        step: ours(task.extension, "request-step")?.valueInteger ?? 0,
        nextStepAt: millis(ours(task.extension, "request-next-step-at")?.valueInstant),
        nextStep: ours(task.extension, "request-next-step")?.valueString,
        holderId: referenceId(holder, "Practitioner"),
        holderName: holder?.display,
        holders: parties(task.extension, "request-holder"),
        helpers: parties(task.extension, "request-helper"),
        description: task.description,
        playbook: ours(task.extension, "request-playbook")?.valueString,
        delegatedById: referenceId(
            ours(task.extension, "request-delegated-by")?.valueReference,
            "Practitioner",
        ),
        overdue: ours(task.extension, "request-overdue")?.valueBoolean ?? false,
        version: task.meta?.versionId,
        acceptedById: referenceId(accepted, "Practitioner"),
        acceptedByName: accepted?.display,
        call: callOf(task),
        chain,
    };
}

/** What the service gives as the reason when whoever holds a role now is asked instead of whoever held it. */
export const HANDED_OVER = "the role was handed over";

function callOf(task: TaskResource): Request["call"] {
    const parts = ours(task.extension, "request-call")?.extension;
    const part = (name: string): Extension | undefined => parts?.find((one) => one.url === name);
    const id = part("id")?.valueString;
    if (id === undefined) return undefined;
    return {
        id,
        title: part("title")?.valueString ?? "",
        place: part("place")?.valueString ?? "",
        drill: part("drill")?.valueBoolean ?? false,
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

/** Whether the role through which `me` was asked at that place in the chain has gone to somebody else since. */
function wasHandedOver(request: Request, me: string, from: number): boolean {
    const asked = request.chain[from];
    return request.chain
        .slice(from + 1)
        .some((one) => one.reason === HANDED_OVER && one.step === asked?.step && one.asks?.id !== me);
}

/** Whether `me` (a Practitioner id) is asked now, or was asked at an earlier step and has not said no. */
export function isAskedOf(request: Request, me: string): boolean {
    if (request.holders.some((one) => one.id === me)) return true;
    if (request.requesterId === me) return false;
    const isMe = (party: Party | undefined): boolean => party?.kind === "person" && party.id === me;
    if (request.chain.some((one) => one.state === "declined" && isMe(one.actor))) return false;
    const asked = request.chain.findLastIndex(
        (one) => isMe(one.asks) || ((one.state === "delivered" || one.state === "seen") && isMe(one.actor)),
    );
    return asked >= 0 && !wasHandedOver(request, me, asked);
}

/** Whether `me` should do something about it. */
export function isMineToDo(request: Request, me: string): boolean {
    if (!isOpen(request) || request.delegatedById === me) return false;
    if (request.acceptedById !== undefined) return request.acceptedById === me;
    return isUnanswered(request) && isAskedOf(request, me);
}

/** What a person can do with a request. The names are those of the FHIR operations. */
export type Action =
    | "accept"
    | "decline"
    | "on-my-way"
    | "arrived"
    | "complete"
    | "cancel"
    | "reopen"
    | "reassign"
    | "delegate"
    | "comment";

/** Of whoever is called to an emergency nothing is asked but whether they come. */
export const notInACall: Action[] = ["cancel", "accept", "complete", "reassign", "delegate", "comment"];

/** The actions open to `me`, most likely first. The service takes "on my way" and "done" as accepting, too. */
export function actionsFor(request: Request, me: string): Action[] {
    const actions: Action[] = [];
    if (isMineToDo(request, me)) {
        if (isUnanswered(request)) actions.push("accept", "on-my-way", "decline", "complete");
        else if (request.state === "accepted") actions.push("on-my-way", "complete", "decline");
        else if (request.state === "on-my-way") actions.push("arrived", "complete", "decline");
        else actions.push("complete");
    }
    // Whoever delegated it can have it back until it is accepted.
    if (request.delegatedById === me && isUnanswered(request)) actions.push("accept");
    if (request.requesterId === me && isOpen(request)) actions.push("cancel");
    return actions;
}

/** What else `me` can do: pass it on, let somebody else do it, say something about it. */
export function furtherActions(request: Request, me: string): Action[] {
    const own = request.requesterId === me;
    const accepted = request.acceptedById === me;
    const delegated = request.delegatedById === me;
    if (!own && !accepted && !delegated && !isAskedOf(request, me)) {
        return request.helpers.some((one) => one.id === me) ? ["comment"] : [];
    }
    const actions: Action[] = ["comment"];
    if (isOpen(request)) {
        if (own || accepted || request.acceptedById === undefined) actions.push("reassign");
        if (accepted) actions.push("delegate");
    } else if (own) {
        actions.push("reopen");
    }
    return actions;
}

/** How far the clock of this device is from the server's, in milliseconds (positive: ahead), if they differ. */
export function clockDifference(requests: readonly Request[], device: string | null): number | undefined {
    let latest: Transition | undefined;
    for (const one of requests.flatMap((request) => request.chain)) {
        if (device !== null && one.device === device && one.at > (latest?.at ?? 0)) latest = one;
    }
    return latest?.deviceAt === undefined ? undefined : latest.deviceAt - latest.at;
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
    to: Addressee;
    patientRef: string;
    roomId: string;
    requesterId: string;
    now: number;
    neededBy: number;
}

/** The Task of a new request, without its event (added when the event is sent). No clinical words go into it. */
export function taskFor(draft: RequestDraft): Record<string, unknown> {
    return {
        resourceType: "Task",
        id: draft.id,
        status: "requested",
        businessStatus: { coding: [{ system: REQUEST_STATE, code: "raised" }] },
        intent: "order",
        code: { coding: [{ system: REQUEST_CLASS, code: draft.class }] },
        for: { reference: `Patient/${draft.patientRef}` },
        [draft.to.kind === "ward" ? "location" : "owner"]: { reference: referenceTo(draft.to) },
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
