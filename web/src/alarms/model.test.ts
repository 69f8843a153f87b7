import { describe, expect, it } from "vitest";
import {
    boardWith,
    broadcastResource,
    callFromResource,
    counts,
    crashResource,
    listed,
    optionsFrom,
    replyText,
    thereWithin,
    wordsOf,
} from "./model.ts";

const EXTENSION = "https://wardline.org/fhir/StructureDefinition/";
const KIND = "https://wardline.org/fhir/CodeSystem/call-kind";

const resource = {
    resourceType: "CommunicationRequest",
    id: "c1",
    status: "active",
    category: [{ coding: [{ system: KIND, code: "broadcast" }], text: "Major incident" }],
    authoredOn: "2026-11-22T12:00:00.000Z",
    requester: { reference: "Practitioner/dev.patel", display: "Dev Patel" },
    payload: [{ contentString: "Come to the emergency department." }],
    recipient: [{ reference: "Organization/x9r", display: "Everybody" }],
    extension: [
        { url: `${EXTENSION}call-drill`, valueBoolean: true },
        { url: `${EXTENSION}call-board`, valueBoolean: true },
        ...[
            ["on-my-way", "On my way", false, true],
            ["can-come", "Can come in … minutes", true, true],
            ["cannot", "Cannot", false, false],
        ].map(([code, text, minutes, comes]) => ({
            url: `${EXTENSION}call-reply`,
            extension: [
                { url: "code", valueCode: code },
                { url: "text", valueString: text },
                { url: "minutes", valueBoolean: minutes },
                { url: "comes", valueBoolean: comes },
            ],
        })),
    ],
};

const NOON = Date.parse("2026-11-22T12:00:00.000Z");

function person(key: string, answer?: string, minutes?: number): Record<string, unknown> {
    const answered = {
        name: "answered",
        part: [
            { name: "answer", valueCode: answer },
            { name: "at", valueInstant: "2026-11-22T12:05:00.000Z" },
            ...(minutes === undefined ? [] : [{ name: "minutes", valueInteger: minutes }]),
        ],
    };
    return {
        name: "person",
        part: [
            { name: "key", valueString: key },
            { name: "who", valueReference: { reference: `Practitioner/${key}`, display: `Dr ${key}` } },
            { name: "told", valueInstant: "2026-11-22T12:00:01.000Z" },
            ...(answer === undefined
                ? []
                : [{ name: "delivered", valueInstant: "2026-11-22T12:00:02.000Z" }, answered]),
        ],
    };
}

function answer(version: number, whole: boolean, people: Record<string, unknown>[]): unknown {
    return {
        resourceType: "Parameters",
        parameter: [
            { name: "version", valueInteger: version },
            { name: "whole", valueBoolean: whole },
            { name: "call", resource },
            ...people,
        ],
    };
}

describe("a call", () => {
    it("is read with what it offers, and nothing else is taken for one", () => {
        const call = callFromResource(resource);
        expect(call).toMatchObject({ kind: "broadcast", drill: true, mayBoard: true, mayEnd: false });
        expect(call?.replies.map((reply) => reply.minutes)).toEqual([false, true, false]);
        expect(call?.audience).toEqual(["Everybody"]);
        expect(call && replyText(call, "can-come", 20)).toBe("Can come in 20 minutes");
        expect(callFromResource({ ...resource, category: [] })).toBeUndefined();
        expect(callFromResource({ resourceType: "Task", id: "t" })).toBeUndefined();
        expect(callFromResource(null)).toBeUndefined();
    });

    it("is written without a patient's words, and as a drill only if it is one", () => {
        const crash = crashResource({ id: "c", playbook: "p", place: "Lift", drill: false, patientRef: "r" });
        expect(JSON.stringify(crash)).not.toContain("drill");
        expect(crash["subject"]).toEqual({ reference: "Patient/r" });
        const broadcast = broadcastResource({
            id: "b",
            title: "T",
            words: "W",
            place: "",
            drill: true,
            audience: ["CareTeam/a", "Location/ward"],
            replies: [],
        });
        expect(broadcast["recipient"]).toEqual([{ reference: "CareTeam/a" }]);
        expect(JSON.stringify(broadcast["extension"])).toContain("Location/ward");
    });
});

describe("a board", () => {
    it("takes in what changed, counts, and says how many are there when", () => {
        const first = boardWith(undefined, answer(1, true, [person("a"), person("b"), person("c")]));
        const board = boardWith(
            first,
            answer(2, false, [person("a", "can-come", 20), person("b", "cannot")]),
        );
        if (!board) throw new Error("no board");
        const all = counts(board);
        expect(all).toMatchObject({ called: 3, told: 3, delivered: 2, seen: 0, coming: 1, unanswered: 1 });
        expect(all.byAnswer.get("cannot")).toBe(1);
        expect([0, 24, 25].map((minutes) => thereWithin(board, NOON, minutes))).toEqual([0, 0, 1]);
        expect(listed(board, "unreached", "").map((row) => row.key)).toEqual(["c"]);
        expect(listed(board, "answer:can-come", "").map((row) => row.key)).toEqual(["a"]);
        expect(listed(board, "all", "DR B").map((row) => row.key)).toEqual(["b"]);
        // A whole answer takes the place of everything.
        expect(boardWith(board, answer(9, true, []))?.rows.size).toBe(0);
    });

    it("is not made of anything else", () => {
        expect(boardWith(undefined, {})).toBeUndefined();
        expect(boardWith(undefined, { resourceType: "OperationOutcome" })).toBeUndefined();
        expect(optionsFrom("x")).toEqual({ mayBroadcast: false, plans: [] });
    });
});

describe("the usual answers of a broadcast", () => {
    it("are told in the language of the screen, wherever it was sent; what was written stays", () => {
        const reply = (code: string, text: string) => ({ code, text, minutes: false, comes: true });
        expect(wordsOf(reply("on-my-way", "Ar fy ffordd"))).toBe("On my way");
        expect(wordsOf(reply("on-my-way", "On my way"))).toBe("On my way");
        expect(wordsOf(reply("on-my-way", "Coming by bus"))).toBe("Coming by bus");
        expect(wordsOf(reply("other", "Ar fy ffordd"))).toBe("Ar fy ffordd");
    });
});
