import { describe, expect, it } from "vitest";
import { EXTENSION, REQUEST_CLASS, REQUEST_STATE } from "../fhir/schema.ts";
import { cardKey, handoverFrom, severity } from "./model.ts";

function task(id: string, patient: string | undefined, requestClass: string, version = "1") {
    return {
        resourceType: "Task",
        id,
        meta: { versionId: version },
        businessStatus: { coding: [{ system: REQUEST_STATE, code: "raised" }] },
        code: { coding: [{ system: REQUEST_CLASS, code: requestClass }] },
        ...(patient !== undefined && { for: { reference: `Patient/${patient}` } }),
    };
}

function bundle(tasks: unknown[], accepted = false) {
    return {
        resourceType: "Bundle",
        entry: [
            {
                resource: {
                    resourceType: "List",
                    id: "handover-med",
                    date: "2026-11-22T20:00:00Z",
                    extension: [
                        { url: `${EXTENSION}handover-digest`, valueString: "abc" },
                        ...(accepted
                            ? [
                                  {
                                      url: `${EXTENSION}handover-accepted-by`,
                                      valueReference: { reference: "Practitioner/daniel" },
                                  },
                              ]
                            : []),
                    ],
                },
            },
            ...tasks.map((resource) => ({ resource })),
        ],
    };
}

describe("a handover list", () => {
    it("has one card for each patient, in the service's order, and one for what is about nobody", () => {
        const list = handoverFrom(
            bundle(
                [
                    task("1", "b", "urgent"),
                    task("2", "a", "action"),
                    task("3", "b", "action"),
                    task("4", undefined, "action"),
                ],
                true,
            ),
        );
        expect(list?.cards.map((card) => card.patientRef)).toEqual(["b", "a", undefined]);
        expect(list?.cards[0]?.requests.map((one) => one.id)).toEqual(["1", "3"]);
        expect(list).toMatchObject({ digest: "abc", acceptedBy: "daniel", at: Date.UTC(2026, 10, 22, 20) });
        expect(list?.cards.map(severity)).toEqual(["urgent", "waiting", "waiting"]);
    });

    it("takes nothing for a list that has no digest", () => {
        expect(handoverFrom({ entry: [{ resource: task("1", "a", "action") }] })).toBeUndefined();
        expect(handoverFrom(null)).toBeUndefined();
    });

    it("forgets a tick when something on the card has changed, but not that it was seen", () => {
        const card = handoverFrom(bundle([task("1", "a", "action")]))?.cards[0];
        const [request] = card?.requests ?? [];
        if (!card || !request) throw new Error("no card");
        const now = (more: object): string => cardKey({ ...card, requests: [{ ...request, ...more }] });
        expect(now({ state: "seen", version: "3" })).toBe(cardKey(card));
        expect(now({ state: "accepted" })).not.toBe(cardKey(card));
        const said = { state: "raised" as const, at: 0, step: 0, comment: "in theatre" };
        expect(now({ chain: [said] })).not.toBe(cardKey(card));
        expect(cardKey({ ...card, requests: [request, { ...request, id: "2" }] })).not.toBe(cardKey(card));
    });
});
