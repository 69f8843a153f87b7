import { describe, expect, it } from "vitest";
import { cy } from "./cy.ts";
import { en } from "./en.ts";
import { fitting } from "./index.ts";

type Leaf = { path: string; value: unknown };

function leaves(value: unknown, path: string): Leaf[] {
    if (typeof value !== "object" || value === null) return [{ path, value }];
    return Object.entries(value).flatMap(([key, inner]) =>
        leaves(inner, path === "" ? key : `${path}.${key}`),
    );
}

/** What a function of the catalogue may be asked with: numbers, names, lists of them, and what an attachment is. */
const samples = [
    [1, 1],
    [2, 3],
    [90, 5],
    [2, "Ann", "x"],
    ["urgent", "Ann"],
    ["broadcast", true, "22-Nov-2026", "14:05"],
    ["Ann", undefined],
    ["Ann", "", "Bob"],
    ["Ann", null],
    ["4", "Bob"],
    [["Ann", "Bob"], "x"],
    [["Ann"], ["Ann"]],
    ["Done", ["Ann", "Bob", "Ceri", "Dai"]],
    [{ picture: true, name: "a", caption: "b" }],
    [{ picture: false, name: "a", caption: "" }],
] as const;

/** What a text says for each sample; `undefined` for one that it does not understand. */
function said({ value }: Leaf): (string | undefined)[] {
    if (typeof value !== "function") return [typeof value === "string" ? value : undefined];
    return samples.map((sample) => {
        try {
            const text: unknown = (value as (...input: readonly unknown[]) => unknown)(...sample);
            const wrong = typeof text !== "string" || /undefined|\[object|NaN|null/.test(text);
            return wrong ? undefined : text;
        } catch {
            return undefined;
        }
    });
}

/** The same in both languages, and rightly so. */
const same = new Set([
    "app.name",
    "app.nameWithCount",
    "me.languages.en",
    "me.languages.cy",
    "me.roleAt",
    "lock.pin",
    "ask.sbar",
    "ask.roleOption",
    "actions.signName",
    "actions.reactedBy",
    "devices.newOne",
    "requests.urgentCount",
    "patients.bed",
    "voice.rate",
    "gallery.from",
    "calls.camera",
    "calls.line",
    "calls.lasted",
    "requests.chainComment",
    "handover.layouts.ipass",
    "handover.layouts.sbar",
    "clerk",
    "me.percent",
    "alarms.gone",
]);

/** English words that Welsh does not have. */
const english =
    /\b(the|and|you|your|with|this|that|not|cannot|for|from|is|are|was|has|have|message|messages|patient|request|device|people)\b/i;

describe("the Welsh catalogue", () => {
    const inEnglish = leaves(en, "");
    const welsh = new Map(leaves(cy, "").map((leaf) => [leaf.path, leaf]));

    it("has every text, and none of its own", () => {
        expect([...welsh.keys()]).toEqual(inEnglish.map(({ path }) => path));
    });

    it.each(inEnglish.map((leaf) => [leaf.path, leaf] as const))("says %s in Welsh", (path, leaf) => {
        const other = welsh.get(path) ?? { path, value: "" };
        const [before, after] = [said(leaf), said(other)];
        const both = after.flatMap((text, at) =>
            text === undefined || before[at] === undefined ? [] : [{ text, was: before[at] }],
        );
        expect(both.length, "a sample that both understand: add one to `samples`").toBeGreaterThan(0);
        for (const { text } of both) expect(text.trim()).not.toBe("");
        if (same.has(path)) return;
        expect(both.some(({ text, was }) => text !== was)).toBe(true);
        for (const { text } of both) expect(text).not.toMatch(english);
    });
});

it("says the clerk's lines in Welsh, and leaves alone what it does not know", () => {
    expect(cy.clerk("No answer in 5 minutes: also asking Dr Amy Reed (Surgical registrar).")).toBe(
        "Dim ateb ymhen 5 munud: yn gofyn i Dr Amy Reed (Surgical registrar) hefyd.",
    );
    expect(cy.clerk("Nobody holds Site manager now.")).toBe("Nid oes neb yn rôl Site manager nawr.");
    expect(cy.clerk("Something new.")).toBe("Something new.");
});

it("speaks the first language that it knows of those that a browser asks for", () => {
    expect(fitting(["de-DE", "cy-GB", "en"])).toBe("cy");
    expect(fitting(["en-US", "cy"])).toBe("en");
    expect(fitting(["fr"])).toBe("en");
});
