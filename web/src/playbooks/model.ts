/** A playbook as its editor has it: the JSON form of its file. What the editor does not know stays as it is. */
import * as v from "valibot";
import { requestClasses, type RequestClass } from "../matrix/events.ts";

export const askKinds = ["role", "person", "team", "on_duty"] as const;
export type AskKind = (typeof askKinds)[number];

/** Whom a step asks: whoever the request is addressed to, or somebody by id. */
const AskSchema = v.looseObject({
    addressed: v.optional(v.boolean()),
    role: v.optional(v.string()),
    person: v.optional(v.string()),
    team: v.optional(v.string()),
    on_duty: v.optional(v.string()),
});
export type Ask = v.InferOutput<typeof AskSchema>;

const CaseSchema = v.looseObject({
    hours: v.optional(v.array(v.string())),
    days: v.optional(v.array(v.string())),
    wards: v.optional(v.array(v.string())),
});
export type Case = v.InferOutput<typeof CaseSchema>;

/** The list first: to the schema of an object a list would be one too. */
const AsksSchema = v.union([v.array(AskSchema), AskSchema]);
const CasesSchema = v.union([v.array(CaseSchema), CaseSchema]);

const StepSchema = v.looseObject({
    ask: AsksSchema,
    wait: v.string(),
    repeat: v.optional(v.number()),
    closes: v.optional(v.string()),
    when: v.optional(CasesSchema),
    must_act: v.optional(v.boolean()),
});
export type Step = v.InferOutput<typeof StepSchema>;

export const PlaybookSchema = v.looseObject({
    id: v.string(),
    title: v.string(),
    description: v.optional(v.string()),
    classes: v.array(v.picklist(requestClasses)),
    roles: v.optional(v.array(v.string())),
    only_by_name: v.optional(v.boolean()),
    steps: v.array(StepSchema),
});
export type Playbook = v.InferOutput<typeof PlaybookSchema>;

/** The days that a condition can name, in the order of a week. */
export const days = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "working-day",
    "weekend",
    "bank-holiday",
] as const;
export type Day = (typeof days)[number];

const UNITS = { s: 1, m: 60, h: 3600 } as const;
export type Unit = keyof typeof UNITS;
export const units = Object.keys(UNITS) as Unit[];

/** A time as the file writes it: `5m`. */
export interface Wait {
    count: number;
    unit: Unit;
}

/** Reads `5m`; nothing for anything else, such as `1h30m`, which the editor leaves as it is. */
export function readWait(text: string): Wait | undefined {
    const match = /^(\d{1,6})(s|m|h)$/.exec(text.trim());
    return match ? { count: Number(match[1]), unit: match[2] as Unit } : undefined;
}

/** Everybody whom a step asks. */
export function asksOf(step: Step): Ask[] {
    return Array.isArray(step.ask) ? step.ask : [step.ask];
}

/** The kind and id of somebody who is asked; nothing for whoever the request is addressed to. */
export function askedBy(ask: Ask): { kind: AskKind; id: string } | undefined {
    for (const kind of askKinds) {
        const id = ask[kind];
        if (id !== undefined) return { kind, id };
    }
    return undefined;
}

/** A step that asks these. One alone is written as the file usually has it. */
export function withAsks(step: Step, asks: readonly Ask[]): Step {
    const [only, ...more] = asks;
    return { ...step, ask: only !== undefined && more.length === 0 ? only : [...asks] };
}

/** The condition of a step if the form can show it: at most one case, of hours, days and wards alone. */
export function simpleCase(step: Step): Case | undefined {
    const cases = step.when === undefined ? [] : Array.isArray(step.when) ? step.when : [step.when];
    if (cases.length > 1) return undefined;
    const [only] = cases;
    const known = new Set(["hours", "days", "wards"]);
    if (!only) return {};
    const simple = Object.keys(only).every((key) => known.has(key)) && (only.hours?.length ?? 0) <= 1;
    return simple ? only : undefined;
}

/** A step under a condition; an empty one is none. */
export function withCase(step: Step, condition: Case): Step {
    const { when: _before, ...rest } = step;
    const kept = Object.entries(condition).filter(([, value]) => Array.isArray(value) && value.length > 0);
    return kept.length === 0 ? rest : { ...rest, when: Object.fromEntries(kept) };
}

/** The last step must act, whenever it comes to it, and an acceptance there is one of the whole request. */
export function arranged(playbook: Playbook): Playbook {
    const last = playbook.steps.length - 1;
    const steps = playbook.steps.map((step, index) => {
        const { must_act: _before, ...rest } = step;
        if (index < last) return rest;
        const { closes: _closes, when: _when, ...end } = rest;
        return { ...end, must_act: true };
    });
    return { ...playbook, steps };
}

/** A new step for the end: somebody must still be chosen. */
export function newStep(): Step {
    return { ask: [], wait: "5m" };
}

/** A new playbook: whoever is asked, and then somebody who must act. */
export function newPlaybook(): Playbook {
    return arranged({
        id: "",
        title: "",
        classes: ["urgent"],
        steps: [{ ask: { addressed: true }, wait: "5m" }, newStep()],
    });
}

/** The same with a step at another place. */
export function moved(playbook: Playbook, from: number, to: number): Playbook {
    const steps = [...playbook.steps];
    const [step] = steps.splice(from, 1);
    if (step) steps.splice(to, 0, step);
    return arranged({ ...playbook, steps });
}

export function toggled(classes: readonly RequestClass[], value: RequestClass, on: boolean): RequestClass[] {
    return requestClasses.filter((one) => (one === value ? on : classes.includes(one)));
}
