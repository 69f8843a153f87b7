/** Crash calls and broadcasts as the screens use them. Instants are milliseconds since the epoch. Pure. */
import * as v from "valibot";
import { t } from "../i18n/index.ts";
import { usualReplies as inAllLanguages } from "../i18n/replies.ts";
import { CallSchema, millis, ours, referenceId, type Extension } from "../fhir/schema.ts";

/** An answer that a broadcast offers. */
export interface Reply {
    code: string;
    text: string;
    /** Says in how many minutes. */
    minutes: boolean;
    /** Means that the person comes. */
    comes: boolean;
}

/** How far a broadcast has come with this person. */
export interface Own {
    delivered?: number | undefined;
    seen?: number | undefined;
    answer?: string | undefined;
    minutes?: number | undefined;
    answered?: number | undefined;
}

export interface Call {
    id: string;
    kind: "crash-call" | "broadcast";
    title: string;
    drill: boolean;
    callerId?: string | undefined;
    callerName: string;
    raisedAt: number;
    place?: string | undefined;
    words?: string | undefined;
    roomId?: string | undefined;
    patientRef?: string | undefined;
    people: number;
    audience: string[];
    replies: Reply[];
    mayBoard: boolean;
    mayEnd: boolean;
    ended?: { by: string; at: number } | undefined;
    own?: Own | undefined;
}

export interface Answered {
    code: string;
    minutes?: number | undefined;
    at: number;
    words?: string | undefined;
}

/** One who is called; without `name` nobody holds the role. */
export interface BoardRow {
    key: string;
    role?: string | undefined;
    id?: string | undefined;
    name?: string | undefined;
    job: string;
    told?: number | undefined;
    devices?: number | undefined;
    delivered?: number | undefined;
    seen?: number | undefined;
    answers: Answered[];
}

export interface Board {
    version: number;
    call: Call;
    rows: ReadonlyMap<string, BoardRow>;
}

/** A crash call that can be made. */
export interface CallPlan {
    id: string;
    title: string;
    description: string;
    roles: { name: string; holder?: string | undefined }[];
}

export interface CallOptions {
    mayBroadcast: boolean;
    plans: CallPlan[];
}

const KIND = "https://wardline.org/fhir/CodeSystem/call-kind";

function part(extension: Extension | undefined, name: string): Extension | undefined {
    return extension?.extension?.find((one) => one.url === name);
}

/** Reads a CommunicationRequest; `undefined` when it is no call of ours. */
export function callFromResource(resource: unknown): Call | undefined {
    const result = v.safeParse(CallSchema, resource);
    if (!result.success) return undefined;
    const it = result.output;
    const category = it.category[0];
    const code = category?.coding.find((one) => one.system === KIND)?.code;
    if (code !== "crash-call" && code !== "broadcast") return undefined;
    const ended = ours(it.extension, "call-ended");
    const own = ours(it.extension, "call-own");
    const at = (name: string): number | undefined => millis(part(own, name)?.valueInstant);
    const url = (name: string): string => `https://wardline.org/fhir/StructureDefinition/${name}`;
    const places = it.extension.filter((one) => one.url === url("call-audience"));
    return {
        id: it.id,
        kind: code,
        title: category?.text ?? "",
        drill: ours(it.extension, "call-drill")?.valueBoolean ?? false,
        callerId: referenceId(it.requester, "Practitioner"),
        callerName: it.requester?.display ?? "",
        raisedAt: millis(it.authoredOn) ?? 0,
        place: ours(it.extension, "call-place")?.valueString,
        words: it.payload[0]?.contentString,
        roomId: ours(it.extension, "call-room")?.valueString,
        patientRef: referenceId(it.subject, "Patient"),
        people: ours(it.extension, "call-people")?.valueInteger ?? 0,
        audience: [...it.recipient, ...places.map((one) => one.valueReference)].flatMap(
            (one) => one?.display ?? [],
        ),
        replies: it.extension
            .filter((one) => one.url === url("call-reply"))
            .map((one) => ({
                code: part(one, "code")?.valueCode ?? "",
                text: part(one, "text")?.valueString ?? "",
                minutes: part(one, "minutes")?.valueBoolean ?? false,
                comes: part(one, "comes")?.valueBoolean ?? false,
            })),
        mayBoard: ours(it.extension, "call-board")?.valueBoolean ?? false,
        mayEnd: ours(it.extension, "call-may-end")?.valueBoolean ?? false,
        ended: ended && {
            by: part(ended, "by")?.valueReference?.display ?? "",
            at: millis(part(ended, "at")?.valueInstant) ?? 0,
        },
        own: own && {
            delivered: at("delivered"),
            seen: at("seen"),
            answer: part(own, "answer")?.valueCode,
            minutes: part(own, "minutes")?.valueInteger,
            answered: at("answered"),
        },
    };
}

interface Parameter {
    name: string;
    valueString?: string | undefined;
    valueCode?: string | undefined;
    valueInteger?: number | undefined;
    valueBoolean?: boolean | undefined;
    valueInstant?: string | undefined;
    valueReference?: { reference?: string | undefined; display?: string | undefined } | undefined;
    resource?: unknown;
    part?: Parameter[] | undefined;
}
const ParameterSchema: v.GenericSchema<Parameter> = v.object({
    name: v.string(),
    valueString: v.optional(v.string()),
    valueCode: v.optional(v.string()),
    valueInteger: v.optional(v.number()),
    valueBoolean: v.optional(v.boolean()),
    valueInstant: v.optional(v.string()),
    valueReference: v.optional(
        v.object({ reference: v.optional(v.string()), display: v.optional(v.string()) }),
    ),
    resource: v.optional(v.unknown()),
    part: v.optional(v.array(v.lazy(() => ParameterSchema))),
});
const ParametersSchema = v.object({
    resourceType: v.literal("Parameters"),
    parameter: v.optional(v.array(ParameterSchema), []),
});

function named(parameters: readonly Parameter[] | undefined, name: string): Parameter | undefined {
    return parameters?.find((one) => one.name === name);
}

function rowOf(person: Parameter): BoardRow | undefined {
    const parts = person.part ?? [];
    const key = named(parts, "key")?.valueString;
    if (key === undefined) return undefined;
    const at = (name: string): number | undefined => millis(named(parts, name)?.valueInstant);
    const who = named(parts, "who")?.valueReference;
    return {
        key,
        role: named(parts, "role")?.valueString,
        id: referenceId(who, "Practitioner"),
        name: who && (who.display ?? who.reference),
        job: named(parts, "job")?.valueString ?? "",
        told: at("told"),
        devices: named(parts, "devices")?.valueInteger,
        delivered: at("delivered"),
        seen: at("seen"),
        answers: parts
            .filter((one) => one.name === "answered")
            .map((one) => ({
                code: named(one.part, "answer")?.valueCode ?? "",
                minutes: named(one.part, "minutes")?.valueInteger,
                at: millis(named(one.part, "at")?.valueInstant) ?? 0,
                words: named(one.part, "words")?.valueString,
            })),
    };
}

/** Takes an answer of `$board` into what is known; `undefined` when it is none. */
export function boardWith(known: Board | undefined, answer: unknown): Board | undefined {
    const result = v.safeParse(ParametersSchema, answer);
    const all = result.success ? result.output.parameter : [];
    const version = named(all, "version")?.valueInteger;
    const call = callFromResource(named(all, "call")?.resource);
    if (version === undefined || !call) return undefined;
    const whole = named(all, "whole")?.valueBoolean ?? true;
    const rows = new Map<string, BoardRow>(whole ? [] : known?.rows);
    for (const person of all) {
        const row = person.name === "person" ? rowOf(person) : undefined;
        if (row) rows.set(row.key, row);
    }
    return { version, call, rows };
}

/** Reads `$options`. */
export function optionsFrom(answer: unknown): CallOptions {
    const result = v.safeParse(ParametersSchema, answer);
    const all = result.success ? result.output.parameter : [];
    return {
        mayBroadcast: named(all, "may-broadcast")?.valueBoolean ?? false,
        plans: all
            .filter((one) => one.name === "crash-call")
            .map((one) => ({
                id: named(one.part, "playbook")?.valueString ?? "",
                title: named(one.part, "title")?.valueString ?? "",
                description: named(one.part, "description")?.valueString ?? "",
                roles: (one.part ?? [])
                    .filter((role) => role.name === "role")
                    .map((role) => ({
                        name: named(role.part, "name")?.valueString ?? "",
                        holder: named(role.part, "holder")?.valueString,
                    })),
            })),
    };
}

/** What somebody answered last. */
export function answerOf(row: BoardRow): Answered | undefined {
    return row.answers.at(-1);
}

/** Whether somebody comes, or is there, by what they answered last. */
export function comes(call: Call, row: BoardRow): boolean {
    const answer = answerOf(row);
    if (!answer) return false;
    if (call.kind === "crash-call") return answer.code !== "declined";
    return call.replies.some((reply) => reply.code === answer.code && reply.comes);
}

/** When somebody is there by what they said. */
export function expected(call: Call, row: BoardRow): number | undefined {
    const answer = comes(call, row) ? answerOf(row) : undefined;
    return answer && answer.at + (answer.minutes ?? 0) * 60_000;
}

export interface Counts {
    called: number;
    told: number;
    delivered: number;
    seen: number;
    coming: number;
    unanswered: number;
    byAnswer: Map<string, number>;
}

/** A board in numbers. */
export function counts(board: Board): Counts {
    const all: Counts = {
        called: 0,
        told: 0,
        delivered: 0,
        seen: 0,
        coming: 0,
        unanswered: 0,
        byAnswer: new Map(),
    };
    for (const row of board.rows.values()) {
        if (row.name === undefined) continue;
        all.called += 1;
        all.told += Number(row.told !== undefined);
        all.delivered += Number(row.delivered !== undefined);
        all.seen += Number(row.seen !== undefined);
        all.coming += Number(comes(board.call, row));
        const answer = answerOf(row);
        if (answer) all.byAnswer.set(answer.code, (all.byAnswer.get(answer.code) ?? 0) + 1);
        else all.unanswered += 1;
    }
    return all;
}

/** How many are there within `minutes` from `from` on. */
export function thereWithin(board: Board, from: number, minutes: number): number {
    const until = from + minutes * 60_000;
    let there = 0;
    for (const row of board.rows.values()) {
        const at = expected(board.call, row);
        there += Number(at !== undefined && at <= until);
    }
    return there;
}

/** What the list of people is cut down to: everybody, who was not reached, who did not answer, or an answer's code. */
export type Filter = "all" | "unreached" | "unanswered" | `answer:${string}`;

/** The people of a board that fit, by name. */
export function listed(board: Board, filter: Filter, search: string): BoardRow[] {
    const wanted = search.trim().toLocaleLowerCase("en-GB");
    const fits = (row: BoardRow): boolean => {
        if (filter === "unreached" && row.delivered !== undefined) return false;
        if (filter === "unanswered" && answerOf(row)) return false;
        if (filter.startsWith("answer:") && `answer:${answerOf(row)?.code}` !== filter) return false;
        const words = `${row.name ?? ""} ${row.job} ${row.role ?? ""}`.toLocaleLowerCase("en-GB");
        return words.includes(wanted);
    };
    return [...board.rows.values()]
        .filter(fits)
        .toSorted((a, b) => (a.name ?? "").localeCompare(b.name ?? "", "en-GB"));
}

/** What a broadcast offers unless that is changed. */
export function usualReplies(): Reply[] {
    const [way, minutes, cannot] = t.alarms.usualReplies;
    return [
        { code: "on-my-way", text: way, minutes: false, comes: true },
        { code: "can-come", text: minutes, minutes: true, comes: true },
        { code: "cannot", text: cannot, minutes: false, comes: false },
    ];
}

/** The words of a reply: in the language of the screen where they are the app's own in any, else as they were written. */
export function wordsOf(reply: Reply): string {
    const usual = usualReplies();
    const index = usual.findIndex(({ code }) => code === reply.code);
    const own = index >= 0 && Object.values(inAllLanguages).some((words) => words[index] === reply.text);
    return (own && usual[index]?.text) || reply.text;
}

/** The words of a reply, with its minutes in place of the dots. */
export function replyText(call: Call, code: string, minutes?: number): string {
    const reply = call.replies.find((one) => one.code === code);
    const text = reply ? wordsOf(reply) : code;
    return minutes === undefined ? text : text.replace("…", String(minutes));
}

export interface CrashDraft {
    id: string;
    playbook: string;
    place: string;
    drill: boolean;
    patientRef?: string | undefined;
}

const EXTENSION = "https://wardline.org/fhir/StructureDefinition/";

/** The CommunicationRequest of a crash call. */
export function crashResource(draft: CrashDraft): Record<string, unknown> {
    return {
        resourceType: "CommunicationRequest",
        id: draft.id,
        status: "active",
        category: [{ coding: [{ system: KIND, code: "crash-call" }] }],
        ...(draft.patientRef !== undefined && { subject: { reference: `Patient/${draft.patientRef}` } }),
        extension: [
            { url: `${EXTENSION}call-playbook`, valueString: draft.playbook },
            ...(draft.place ? [{ url: `${EXTENSION}call-place`, valueString: draft.place }] : []),
            ...(draft.drill ? [{ url: `${EXTENSION}call-drill`, valueBoolean: true }] : []),
        ],
    };
}

export interface BroadcastDraft {
    id: string;
    title: string;
    words: string;
    place: string;
    drill: boolean;
    /** References, such as `CareTeam/outreach`. */
    audience: string[];
    replies: Reply[];
}

/** The CommunicationRequest of a broadcast. */
export function broadcastResource(draft: BroadcastDraft): Record<string, unknown> {
    const places = draft.audience.filter((one) => one.startsWith("Location/"));
    const others = draft.audience.filter((one) => !one.startsWith("Location/"));
    return {
        resourceType: "CommunicationRequest",
        id: draft.id,
        status: "active",
        category: [{ coding: [{ system: KIND, code: "broadcast" }], text: draft.title }],
        payload: [{ contentString: draft.words }],
        ...(others.length > 0 && { recipient: others.map((reference) => ({ reference })) }),
        extension: [
            ...places.map((reference) => ({
                url: `${EXTENSION}call-audience`,
                valueReference: { reference },
            })),
            ...(draft.place ? [{ url: `${EXTENSION}call-place`, valueString: draft.place }] : []),
            ...(draft.drill ? [{ url: `${EXTENSION}call-drill`, valueBoolean: true }] : []),
            ...draft.replies.map((reply) => ({
                url: `${EXTENSION}call-reply`,
                extension: [
                    { url: "code", valueCode: reply.code },
                    { url: "text", valueString: reply.text },
                    { url: "minutes", valueBoolean: reply.minutes },
                    { url: "comes", valueBoolean: reply.comes },
                ],
            })),
        ],
    };
}
