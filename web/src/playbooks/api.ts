/** The playbooks of the server: `/_wardline/client/v1/playbooks` (docs/protocol/playbook.md). */
import * as v from "valibot";
import { requestClasses } from "../matrix/events.ts";
import { PlaybookSchema, type Playbook } from "./model.ts";

const BASE = "/_wardline/client/v1/playbooks";

const VersionSchema = v.object({
    version: v.number(),
    changed_ts: v.number(),
    changed_by: v.optional(v.nullable(v.string()), ""),
    withdrawn: v.optional(v.boolean(), false),
});
export type Version = v.InferOutput<typeof VersionSchema>;

const ListSchema = v.object({
    playbooks: v.array(
        v.object({
            id: v.string(),
            version: v.number(),
            title: v.optional(v.nullable(v.string()), ""),
            description: v.optional(v.nullable(v.string())),
            classes: v.optional(v.array(v.picklist(requestClasses)), []),
            steps: v.optional(v.number(), 0),
        }),
    ),
    may_edit: v.boolean(),
});
export type PlaybookList = v.InferOutput<typeof ListSchema>;

const OneSchema = v.object({
    version: v.number(),
    playbook: PlaybookSchema,
    versions: v.optional(v.array(VersionSchema), []),
});
export type Saved = v.InferOutput<typeof OneSchema>;

const CheckSchema = v.object({
    valid: v.boolean(),
    longest_ms: v.optional(v.number()),
    problems: v.array(
        v.object({
            kind: v.string(),
            problem: v.optional(v.string()),
            step: v.optional(v.number()),
            field: v.optional(v.string()),
            reference: v.optional(v.string()),
            name: v.optional(v.string()),
            gaps: v.optional(v.array(v.object({ from_ts: v.number(), until_ts: v.number() })), []),
        }),
    ),
});
export type Check = v.InferOutput<typeof CheckSchema>;

const TimelineSchema = v.object({
    timeline: v.array(
        v.object({
            at_ts: v.number(),
            step: v.number(),
            asks: v.optional(v.nullable(v.string()), ""),
            state: v.string(),
            name: v.optional(v.string()),
            passed_over: v.optional(v.string()),
        }),
    ),
});
export type TimelineEntry = v.InferOutput<typeof TimelineSchema>["timeline"][number];

/** What the server refuses, in its words. */
export class Refused extends Error {
    constructor(
        readonly status: number,
        message: string,
        /** The code of the Matrix API. */
        readonly errcode?: string,
    ) {
        super(message);
        this.name = "Refused";
    }
}

const ErrorSchema = v.object({ error: v.optional(v.string()), errcode: v.optional(v.string()) });

type Fetch = typeof globalThis.fetch;

async function call<S extends v.GenericSchema>(
    authorised: Fetch,
    schema: S,
    path: string,
    init: RequestInit = {},
): Promise<v.InferOutput<S>> {
    const response = await authorised(BASE + path, {
        ...init,
        ...(init.body !== undefined && { headers: { "Content-Type": "application/json" } }),
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok) return v.parse(schema, body);
    const said = v.safeParse(ErrorSchema, body);
    const { error, errcode } = said.success ? said.output : {};
    throw new Refused(response.status, error || response.statusText, errcode);
}

function post(body: unknown): RequestInit {
    return { method: "POST", body: JSON.stringify(body) };
}

function pathOf(id: string): string {
    return `/${encodeURIComponent(id)}`;
}

/** Every playbook that is in use. */
export function listPlaybooks(authorised: Fetch): Promise<PlaybookList> {
    return call(authorised, ListSchema, "");
}

/** One playbook as it stands, with the list of its versions. */
export function readPlaybook(authorised: Fetch, id: string): Promise<Saved> {
    return call(authorised, OneSchema, pathOf(id));
}

/** Saves the next version; 409 where somebody saved one meanwhile. */
export function savePlaybook(authorised: Fetch, playbook: Playbook, version: number): Promise<Version> {
    return call(authorised, VersionSchema, pathOf(playbook.id), {
        method: "PUT",
        body: JSON.stringify({ playbook, version }),
    });
}

/** Takes a playbook out of use; its versions stay. */
export function withdrawPlaybook(authorised: Fetch, id: string, version: number): Promise<unknown> {
    return call(authorised, v.unknown(), `${pathOf(id)}?version=${version}`, { method: "DELETE" });
}

/** Everything that is wrong with a draft. */
export function checkPlaybook(authorised: Fetch, playbook: Playbook): Promise<Check> {
    return call(authorised, CheckSchema, "/check", post({ playbook }));
}

/** What would happen to a request to `to` (`HealthcareService/ID`) that nobody answers. */
export async function simulatePlaybook(
    authorised: Fetch,
    playbook: Playbook,
    to: string,
): Promise<TimelineEntry[]> {
    return (await call(authorised, TimelineSchema, "/simulate", post({ playbook, to }))).timeline;
}
