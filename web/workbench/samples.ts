/** Invented people, patients and requests for the workbench. Nothing here is real, and nothing here is shipped. */
import { createClient, Room, type MatrixClient } from "matrix-js-sdk";
import type { Call } from "../src/alarms/model.ts";
import type { ChatSummary } from "../src/chats/summary.ts";
import { queries } from "../src/fhir/cache.ts";
import { keys } from "../src/fhir/queries.ts";
import type { RequestContent } from "../src/matrix/events.ts";
import type { OutboxItem } from "../src/matrix/outbox-logic.ts";
import type { MessageStatus, Tick } from "../src/matrix/ticks.ts";
import type { Spoken } from "../src/matrix/timeline.ts";
import type { OnCallRole, StaffMember } from "../src/oncall/model.ts";
import type { Patient, Place } from "../src/patients/model.ts";
import type { Party, Request } from "../src/requests/model.ts";
import { useSession } from "../src/session/store.ts";

const MINUTE = 60_000;
export const now = Date.now();
export const me = "@grace.adeyemi:riverside.example";
export const other = "@priya.raman:riverside.example";
export const outsider = "@sam.fisher:elsewhere.example";
export const roomId = "!okonkwo:riverside.example";

const person = (id: string, display: string): Party => ({ kind: "person", id, display });
const registrar: Party = { kind: "role", id: "medical-registrar", display: "Medical registrar" };
export const priya = person("priya.raman", "Dr Priya Raman");

const staff: StaffMember[] = [
    { id: "grace.adeyemi", name: "Sister Grace Adeyemi", job: "Ward sister" },
    { id: "priya.raman", name: "Dr Priya Raman", job: "Specialty registrar, general medicine" },
    { id: "samuel.mbeki", name: "Samuel Mbeki", job: "Charge nurse" },
];

const okonkwo: Patient = {
    ref: "Patient/okonkwo",
    family: "Okonkwo",
    given: "Chidi",
    title: "Mr",
    born: "1959-08-07",
    gender: "male",
    nhsNumber: "9990000069",
    placeId: "bed-b2",
    roomId,
    deceased: false,
    restricted: false,
};

/** A patient of each kind that must not be missed. */
export const patients: Patient[] = [
    okonkwo,
    {
        ...okonkwo,
        ref: "Patient/long",
        family: "Featherstonehaugh-Cholmondeley",
        given: "Wilhelmina Alexandra",
        title: "Professor",
        restricted: true,
    },
    { ...okonkwo, ref: "Patient/died", family: "Nowak", given: "Piotr", deceased: true },
    { ...okonkwo, ref: "Patient/gone", family: "Begum", given: "Rahima", title: "Mrs", placeId: undefined },
    { ...okonkwo, ref: "Patient/joined", family: "Hughes", given: "Gwyneth", replacedBy: "Patient/okonkwo" },
];

const places: Place[] = [
    { id: "ward", name: "Nightingale ward", kind: "ward" },
    { id: "bed-b2", name: "Bay B bed 2", kind: "bed", parentId: "ward" },
];

const base: Request = {
    id: "task-1",
    class: "urgent",
    state: "raised",
    patientRef: okonkwo.ref,
    addressed: registrar,
    requesterId: "grace.adeyemi",
    requesterName: "Sister Grace Adeyemi",
    raisedAt: now - 4 * MINUTE,
    neededBy: now + 26 * MINUTE,
    changedAt: now - 4 * MINUTE,
    step: 0,
    nextStepAt: now + MINUTE,
    nextStep: "Surgical registrar",
    holders: [priya],
    helpers: [],
    overdue: false,
    chain: [
        {
            state: "raised",
            at: now - 4 * MINUTE,
            actor: person("grace.adeyemi", "Sister Grace Adeyemi"),
            step: 0,
        },
    ],
};

const accepted = {
    state: "accepted",
    acceptedById: "priya.raman",
    acceptedByName: "Dr Priya Raman",
} as const;

/** A request in every state and class. */
export const requests: Request[] = [
    { ...base, state: "raised" },
    { ...base, id: "task-2", state: "delivered", class: "action" },
    {
        ...base,
        id: "task-3",
        state: "seen",
        class: "information",
        neededBy: undefined,
        nextStepAt: undefined,
    },
    { ...base, id: "task-4", ...accepted },
    { ...base, id: "task-5", ...accepted, class: "action" },
    { ...base, id: "task-6", ...accepted, state: "on-my-way" },
    { ...base, id: "task-7", ...accepted, state: "completed", class: "action" },
    { ...base, id: "task-8", state: "declined" },
    { ...base, id: "task-9", state: "cancelled", class: "action" },
    { ...base, id: "task-10", state: "raised", overdue: true, neededBy: now - 9 * MINUTE },
    // One that waits for this person: it covers the screen.
    {
        ...base,
        id: "task-11",
        requesterId: "priya.raman",
        requesterName: "Dr Priya Raman",
        holders: [person("grace.adeyemi", "Sister Grace Adeyemi")],
        description: "Systolic 84 and falling since four",
    },
];

export function contentOf(request: Request): RequestContent {
    return {
        request_id: request.id,
        class: request.class,
        to: { kind: "role", id: registrar.id, display: registrar.display ?? "" },
        needed_by: request.neededBy ?? 0,
        sbar: {
            situation: "Systolic 84 and falling since four",
            background: "Day two after a laparotomy",
            assessment: "I think he bleeds",
            recommendation: "Please see him now",
        },
        body: "",
    };
}

const day = 86_400_000;

/** A role that is held, covered, silent, offered, vacant. */
export const roles: OnCallRole[] = [
    {
        id: "medical-registrar",
        name: "Medical registrar",
        phone: "Bleep 2101",
        holder: { id: "priya.raman", name: "Dr Priya Raman", until: now + 6 * 60 * MINUTE },
        wards: [],
    },
    {
        id: "deputy",
        name: "Surgical registrar",
        holder: { id: "samuel.mbeki", name: "Samuel Mbeki", by: "deputy" },
        wards: [],
    },
    {
        id: "unreachable",
        name: "Site manager",
        holder: { id: "samuel.mbeki", name: "Samuel Mbeki" },
        silent: "unreachable",
        wards: [],
    },
    {
        id: "muted",
        name: "Clinical pharmacist",
        holder: { id: "samuel.mbeki", name: "Samuel Mbeki" },
        silent: "muted",
        wards: [],
    },
    {
        id: "offered",
        name: "Nurse in charge",
        holder: { id: "grace.adeyemi", name: "Sister Grace Adeyemi" },
        offer: {
            from: { id: "grace.adeyemi", name: "Sister Grace Adeyemi" },
            to: { id: "samuel.mbeki", name: "Samuel Mbeki" },
        },
        wards: [],
    },
    { id: "vacant", name: "Anaesthetist on call", phone: "Bleep 2222", wards: [] },
];

const spoken = {
    at: now - 3 * MINUTE,
    sender: other,
    own: false,
    first: true,
    text: "Potassium is 6.4, repeat on a gas please",
    edited: false,
    deleted: false,
    reactions: [],
    mentions: [],
    forwarded: false,
} as const;

type Message = Extract<Spoken, { kind: "message" }>;

/** A message of another, or with `more` of it. */
export function message(key: string, more: Partial<Message> = {}): Message {
    return { kind: "message", key, ...spoken, reactions: [], mentions: [], ...more };
}

export function status(tick: Tick): MessageStatus {
    const seenBy = tick === "seen" ? 1 : 0;
    return {
        tick,
        readers: [
            { userId: other, name: "Dr Priya Raman", tick, at: now - MINUTE },
            { userId: outsider, name: "Sam Fisher", tick: "sent" },
        ],
        seenBy,
        deliveredTo: tick === "sent" ? 0 : 1,
    };
}

export function queued(state: OutboxItem["state"], more: Partial<OutboxItem> = {}): OutboxItem {
    return {
        txnId: `queued-${state}`,
        roomId,
        seq: 1,
        createdAt: now,
        type: "m.room.message",
        content: { msgtype: "m.text", body: "Written without a connection" },
        state,
        attempts: 1,
        ...more,
    };
}

const chat: ChatSummary = {
    roomId,
    title: "OKONKWO, Chidi",
    place: "Bay B bed 2",
    kind: "patient",
    patient: true,
    preview: "Potassium is 6.4, repeat on a gas please",
    own: false,
    at: now - 3 * MINUTE,
    unread: 0,
    news: false,
    urgent: false,
    ended: false,
    marks: { pinned: false, archived: false, muted: false, unread: false },
};

export const chats: ChatSummary[] = [
    chat,
    { ...chat, roomId: "!2", unread: 3, news: true, urgent: true },
    {
        ...chat,
        roomId: "!3",
        title: "Dr Priya Raman",
        kind: "person",
        patient: false,
        place: "",
        own: true,
        at: now - 3 * day,
    },
    {
        ...chat,
        roomId: "!4",
        title: "Night team, Nightingale",
        kind: "group",
        patient: false,
        place: "",
        marks: { ...chat.marks, pinned: true, muted: true },
    },
    {
        ...chat,
        roomId: "!5",
        title: "Medical registrar",
        kind: "role",
        patient: false,
        place: "",
        news: true,
        marks: { ...chat.marks, unread: true },
    },
    {
        ...chat,
        roomId: "!6",
        title: "A conversation with an uncommonly long name that does not fit on any telephone",
        kind: "group",
        patient: false,
        place: "",
        unread: 120,
        news: true,
    },
];

export const broadcast: Call = {
    id: "call-1",
    kind: "broadcast",
    title: "Major incident",
    drill: false,
    callerName: "Dev Patel",
    raisedAt: now - 2 * MINUTE,
    words: "Coach crash on the ring road. Report to the emergency department.",
    people: 212,
    audience: ["Everybody"],
    replies: [
        { code: "coming", text: "I am coming", minutes: true, comes: true },
        { code: "cannot", text: "I cannot come", minutes: false, comes: false },
    ],
    mayBoard: true,
    mayEnd: true,
};

/** A client that is never started: it answers from what is in it and asks nobody. */
function idleClient(): MatrixClient {
    return createClient({ baseUrl: "https://workbench.invalid", userId: me, deviceId: "WORKBENCH" });
}

export let room: Room;

/** Puts the samples where the components look for them. */
export function prepare(): void {
    const client = idleClient();
    room = new Room(roomId, client, me);
    useSession.setState({ phase: "running", connection: "online", loaded: true, client });
    queries.setDefaultOptions({ queries: { retry: false, staleTime: Infinity, gcTime: Infinity } });
    queries.setQueryData(keys.staff, new Map(staff.map((one) => [one.id, one])));
    queries.setQueryData(keys.onCall, roles);
    queries.setQueryData(keys.patients, patients);
    queries.setQueryData(keys.places, new Map(places.map((one) => [one.id, one])));
    queries.setQueryData(keys.requests, requests);
    for (const [userId, kind] of [
        [outsider, "outsider"],
        ["@bot:riverside.example", "bot"],
        ["@visitor:riverside.example", "patient"],
    ])
        queries.setQueryData(["kind", userId], kind);
    queries.setQueryData(["standing", "priya.raman"], {
        duty: { state: "on" },
        check: { at: now - MINUTE, failed: [] },
    });
    queries.setQueryData(["standing", "samuel.mbeki"], {
        duty: { state: "off", cover: { id: "priya.raman", name: "Dr Priya Raman" } },
        check: { at: now - MINUTE, failed: ["notifications", "sound"] },
    });
}
