import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type * as v from "valibot";
import { askEntry, emptyAsk } from "../requests/ask.ts";
import { parse, PatientStateSchema, RequestContentSchema, RequestUpdateSchema } from "./events.ts";

/** As much of JSON Schema as `docs/protocol/schema` uses. */
interface Schema {
    type?: string;
    enum?: string[];
    format?: string;
    minimum?: number;
    required?: string[];
    properties?: Record<string, Schema>;
}

function published(name: string): Schema {
    const file = join(import.meta.dirname, "../../../docs/protocol/schema", `${name}.json`);
    return JSON.parse(readFileSync(file, "utf8")) as Schema;
}

/** Something that a schema allows: everything in it, or only what is required. */
function sample(schema: Schema, all: boolean): unknown {
    if (schema.enum) return schema.enum[0];
    if (schema.type === "string")
        return schema.format === "uuid" ? "0d2b5a3e-5a5c-4b0e-9f1e-0123456789ab" : "words";
    if (schema.type === "integer") return schema.minimum ?? 1_790_000_000_000;
    if (schema.type === "boolean") return true;
    const names = all ? Object.keys(schema.properties ?? {}) : (schema.required ?? []);
    return Object.fromEntries(names.map((name) => [name, sample(schema.properties?.[name] ?? {}, all)]));
}

/** What a schema says against a value, in words. */
function problems(schema: Schema, value: unknown, path = "content"): string[] {
    if (schema.enum) return schema.enum.includes(String(value)) ? [] : [`${path}: ${String(value)}`];
    if (schema.type === "integer") return Number.isInteger(value) ? [] : [`${path} is no integer`];
    if (schema.type !== "object")
        return schema.type === undefined || typeof value === schema.type
            ? []
            : [`${path} is no ${schema.type}`];
    if (typeof value !== "object" || value === null) return [`${path} is no object`];
    const missing = (schema.required ?? []).filter((name) => !(name in value));
    const inner = Object.entries(value).flatMap(([name, one]) => {
        const known = schema.properties?.[name];
        return schema.properties && !known
            ? [`${path}.${name} is not published`]
            : problems(known ?? {}, one, `${path}.${name}`);
    });
    return [...missing.map((name) => `${path}.${name} is missing`), ...inner];
}

/** The shapes that the app reads, and where they are published. */
const read: readonly [string, v.GenericSchema][] = [
    ["org.wardline.request", RequestContentSchema],
    ["org.wardline.request.update", RequestUpdateSchema],
    ["org.wardline.patient", PatientStateSchema],
];

describe.each(read)("%s is read as it is published", (name, shape) => {
    const schema = published(name);

    it("with everything in it, and with only what is required", () => {
        expect(parse(shape, sample(schema, true))).toBeDefined();
        expect(parse(shape, sample(schema, false))).toBeDefined();
    });

    it("with every value of its choices, and no other", () => {
        for (const [field, { enum: choices }] of Object.entries(schema.properties ?? {})) {
            for (const choice of choices ?? [])
                expect(parse(shape, { ...(sample(schema, true) as object), [field]: choice })).toBeDefined();
            if (choices)
                expect(
                    parse(shape, { ...(sample(schema, true) as object), [field]: "other" }),
                ).toBeUndefined();
        }
    });

    it("and reads nothing that is not published", () => {
        const entries = (shape as unknown as { entries: Record<string, unknown> }).entries;
        expect(Object.keys(schema.properties ?? {})).toEqual(expect.arrayContaining(Object.keys(entries)));
    });
});

it("a request is sent as it is published", () => {
    const sbar = { situation: "s", background: "", assessment: "", recommendation: "r" };
    for (const form of [
        { ...emptyAsk, to: "role:med", minutes: "5", text: "words" },
        { ...emptyAsk, to: "role:med", minutes: "5", sbar },
    ]) {
        const entry = askEntry({
            form,
            to: { kind: "role", id: "med", display: "Medical registrar" },
            roomId: "!r:x",
            patientRef: "p",
            requesterId: "ann",
            id: "0d2b5a3e-5a5c-4b0e-9f1e-0123456789ab",
            now: 1_790_000_000_000,
        });
        expect(problems(published("org.wardline.request"), entry.content)).toEqual([]);
    }
});
