import { describe, expect, it } from "vitest";
import { actionsFor, afterSending, composed, forwarded, toggled, type Actionable } from "./actions.ts";

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
    mentions: [],
    forwarded: false,
};

const all = { forward: true, pin: true };

describe("what one may do with a message", () => {
    it("lets only its author change or delete it", () => {
        expect(actionsFor(message, all)).toEqual([
            "reply",
            "thread",
            "forward",
            "pin",
            "edit",
            "copy",
            "info",
            "delete",
        ]);
        expect(actionsFor({ ...message, own: false }, all)).toEqual([
            "reply",
            "thread",
            "forward",
            "pin",
            "copy",
            "info",
        ]);
        expect(actionsFor({ ...message, deleted: true }, all)).toEqual(["info"]);
    });

    it("leaves out what the hospital or the conversation does not allow", () => {
        expect(actionsFor(message, { forward: false, pin: false })).not.toContain("forward");
        expect(actionsFor(message, { forward: true, pin: false })).not.toContain("pin");
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

describe("an answer in a thread", () => {
    it("names the thread, and the message before it for clients that know no threads", () => {
        const mode = { kind: "thread" as const, eventId: "$root", lastId: "$last", text: "?" };
        expect(composed("yes", mode).content).toMatchObject({
            "m.relates_to": {
                rel_type: "m.thread",
                event_id: "$root",
                is_falling_back: true,
                "m.in_reply_to": { event_id: "$last" },
            },
        });
    });
});

describe("a message passed on", () => {
    it("keeps its words and its file, and neither its relation nor whom it named", () => {
        const passed = forwarded({
            msgtype: "m.text",
            body: "hello @Grace",
            "m.relates_to": { "m.in_reply_to": { event_id: "$x" } },
            "m.mentions": { user_ids: ["@g:x"] },
        });
        expect(passed.content).toEqual({
            msgtype: "m.text",
            body: "hello @Grace",
            "org.wardline.forwarded": true,
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

describe("the composer when a message is on its way", () => {
    it("is empty, or has what stood there before an edit", () => {
        expect(afterSending("Potassium 6.4", "Potassium 6.4", "")).toBe("");
        expect(afterSending("changed", "changed", "before")).toBe("before");
    });
    it("keeps what was written while the message was being kept", () => {
        expect(afterSending("Potassium 6.4", "Potassium 6.4 on a gas", "")).toBe(" on a gas");
        expect(afterSending("Observation 1", "The next one", "")).toBe("The next one");
    });
});
