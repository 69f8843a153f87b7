import { describe, expect, it } from "vitest";
import { actionsFor, composed, toggled, type Actionable } from "./actions.ts";

const message: Actionable = {
    kind: "message",
    key: "$a",
    at: 1,
    sender: "@g:x",
    own: true,
    first: true,
    text: "words",
    edited: false,
    deleted: false,
    reactions: [
        { key: "👍", names: ["Grace"], mine: "$r" },
        { key: "👀", names: ["Grace"], mine: "w1" },
    ],
    index: 0,
};

describe("what one may do with a message", () => {
    it("lets only its author change or delete it", () => {
        expect(actionsFor(message)).toEqual(["reply", "edit", "copy", "info", "delete"]);
        expect(actionsFor({ ...message, own: false })).toEqual(["reply", "copy", "info"]);
        expect(actionsFor({ ...message, deleted: true })).toEqual(["info"]);
    });
});

describe("what the composer sends", () => {
    it("is a text, an answer, or a change of an earlier one with the new words in full", () => {
        expect(composed("hello", undefined).content).toEqual({ msgtype: "m.text", body: "hello" });
        expect(composed("yes", { kind: "reply", eventId: "$a", text: "?" }).content).toMatchObject({
            body: "yes",
            "m.relates_to": { "m.in_reply_to": { event_id: "$a" } },
        });
        expect(composed("new", { kind: "edit", eventId: "$a", text: "old" }).content).toEqual({
            msgtype: "m.text",
            body: "* new",
            "m.new_content": { msgtype: "m.text", body: "new" },
            "m.relates_to": { rel_type: "m.replace", event_id: "$a" },
        });
    });
});

describe("a sign under a message", () => {
    it("is put there, taken back, and left alone while it is being sent", () => {
        expect(toggled(message, "✅")).toMatchObject({
            type: "m.reaction",
            content: { "m.relates_to": { rel_type: "m.annotation", event_id: "$a", key: "✅" } },
        });
        expect(toggled(message, "👍")).toEqual({ type: "m.room.redaction", content: { redacts: "$r" } });
        expect(toggled(message, "👀")).toBeUndefined();
    });
});
