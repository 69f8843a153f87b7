import { describe, expect, it } from "vitest";
import type { OutboxItem } from "./outbox-logic.ts";
import { changes, withQueued } from "./overlay.ts";
import type { TimelineItem } from "./timeline.ts";

const message: TimelineItem = {
    kind: "message",
    key: "$a",
    at: 1,
    sender: "@g:x",
    own: true,
    first: true,
    text: "first words",
    edited: false,
    deleted: false,
    reactions: [{ key: "👍", names: ["Priya"] }],
    mentions: [],
    forwarded: false,
};

function queued(
    type: string,
    content: Record<string, unknown>,
    state: OutboxItem["state"] = "waiting",
): OutboxItem {
    return { txnId: "t", roomId: "!r", seq: 1, createdAt: 1, type, content, state, attempts: 0 };
}
const edit = (body: string, target = "$a"): OutboxItem =>
    queued("m.room.message", {
        body: `* ${body}`,
        "m.new_content": { body },
        "m.relates_to": { rel_type: "m.replace", event_id: target },
    });
const reaction = (key: string): OutboxItem =>
    queued("m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: "$a", key } });
const show = (...waiting: OutboxItem[]): TimelineItem | undefined =>
    withQueued([message], waiting, "Grace", "deleted")[0];

describe("what waits in the outbox", () => {
    it("changes a message when it is an edit, a reaction or a deletion, and nothing otherwise", () => {
        expect(changes(edit("x"))).toBe("$a");
        expect(changes(reaction("👍"))).toBe("$a");
        expect(changes(queued("m.room.redaction", { redacts: "$a" }))).toBe("$a");
        const reply = { body: "x", "m.relates_to": { "m.in_reply_to": { event_id: "$a" } } };
        expect(changes(queued("m.room.message", reply))).toBeUndefined();
    });

    it("shows the newest edit, marked as edited", () => {
        expect(show(edit("second"), edit("third"))).toMatchObject({ text: "third", edited: true });
        expect(show(edit("other", "$b"))).toEqual(message);
    });

    it("joins a reaction of others, or adds a new one", () => {
        expect(show(reaction("👍"))).toMatchObject({
            reactions: [{ key: "👍", names: ["Priya", "Grace"], mine: "t" }],
        });
        expect(show(reaction("👀"))).toMatchObject({ reactions: [{ key: "👍" }, { key: "👀", mine: "t" }] });
    });

    it("takes a reaction back without touching those of others", () => {
        const mine: TimelineItem = {
            ...message,
            reactions: [{ key: "👍", names: ["Priya", "Grace"], mine: "$r" }],
        };
        const back = queued("m.room.redaction", { redacts: "$r" });
        expect(withQueued([mine], [back], "Grace", "deleted")[0]).toMatchObject({
            deleted: false,
            reactions: [{ key: "👍", names: ["Priya"], mine: undefined }],
        });
    });

    it("hides the words of what is being deleted, and shows them again when that is refused", () => {
        const remove = queued("m.room.redaction", { redacts: "$a" });
        expect(show(remove)).toMatchObject({ text: "deleted", deleted: true, reactions: [] });
        expect(show({ ...remove, state: "failed" })).toEqual(message);
    });
});
