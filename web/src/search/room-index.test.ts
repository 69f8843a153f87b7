import { describe, expect, it } from "vitest";
import { RoomIndex, type Doc } from "./room-index.ts";

const doc = (id: string, text: string, at = 1, by = "@ann:x"): Doc => ({ id, at, by, text });
const ids = (found: Doc[]): string[] => found.map(({ id }) => id);

describe("what was said in a conversation", () => {
    it("is found by all of its words, newest first, whatever the case and the accents", () => {
        const index = new RoomIndex();
        index.put(doc("a", "Siân has a lactate of 4", 1));
        index.put(doc("b", "LACTATE falling", 2));
        expect(ids(index.search("lactate", 9))).toEqual(["b", "a"]);
        expect(ids(index.search("sian lactate", 9))).toEqual(["a"]);
        expect(ids(index.search("lactate", 1))).toEqual(["b"]);
        expect(index.search("  ", 9)).toEqual([]);
    });

    it("is found as it reads now, in whatever order message and change came", () => {
        for (const first of ["message", "change"]) {
            const index = new RoomIndex();
            const steps = {
                message: () => index.put(doc("a", "Potassium 6.4")),
                change: () => index.change("a", "@ann:x", "Potassium 6.9", { id: "e", at: 5 }),
            };
            for (const step of first === "message"
                ? [steps.message, steps.change]
                : [steps.change, steps.message])
                step();
            expect(index.search("6.4", 9)).toEqual([]);
            expect(ids(index.search("6.9", 9))).toEqual(["a"]);
            expect(index.search("6.9", 9)[0]?.at).toBe(1);
            index.change("a", "@ann:x", "Potassium 5.0", { id: "older", at: 4 });
            expect(ids(index.search("6.9", 9))).toEqual(["a"]);
        }
    });

    it("is changed by nobody else", () => {
        const index = new RoomIndex();
        index.change("a", "@eve:x", "forged", { id: "e", at: 2 });
        index.put(doc("a", "Mine"));
        expect(index.search("forged", 9)).toEqual([]);
        index.change("a", "@eve:x", "forged", { id: "e", at: 2 });
        expect(index.search("forged", 9)).toEqual([]);
        expect(ids(index.search("mine", 9))).toEqual(["a"]);
    });

    it("is never found once it is deleted, also where its own event comes later", () => {
        const index = new RoomIndex();
        index.put(doc("a", "Wrong patient"));
        expect(index.remove("a")).toBeUndefined();
        index.put(doc("a", "Wrong patient"));
        index.change("a", "@ann:x", "Wrong patient again", { id: "e", at: 2 });
        expect(index.search("wrong", 9)).toEqual([]);
        // A change that is deleted: what it changed must be read anew.
        index.put(doc("b", "First"));
        index.change("b", "@ann:x", "Second", { id: "e2", at: 2 });
        expect(index.remove("e2")).toBe("b");
        expect(index.search("second", 9)).toEqual([]);
        index.put(doc("b", "First"));
        expect(ids(index.search("first", 9))).toEqual(["b"]);
    });

    it("writes only what has changed, and comes back from it as it was", () => {
        const index = new RoomIndex();
        for (let n = 0; n < 1000; n++) index.put(doc(`${n}`, `word ${n}`, n));
        const all = index.changes();
        expect([...all.keys()]).toEqual([0, 1, 2]);
        expect(index.changes().size).toBe(0);
        index.remove("5");
        index.put(doc("new", "fresh", 2000));
        const some = index.changes();
        expect([...some.keys()]).toEqual([0]);
        const again = new RoomIndex(new Map([...all, ...some]));
        expect(again.size).toBe(1000);
        expect(again.search("fresh", 9)).toHaveLength(1);
        expect(again.changes().size).toBe(0);
        expect(again.newest).toBe(2000);
    });
});
