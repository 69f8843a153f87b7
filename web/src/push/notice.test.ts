import { describe, expect, it } from "vitest";
import { ackOf, destination, isOver, noticeOf, shown, standing } from "./notice.ts";

const push = {
    web_push: 8030,
    room_id: "!r:x",
    event_id: "$e",
    class: "urgent",
    counts: { unread: 7, conversations: 4 },
    notification: { title: "Urgent request" },
};

describe("a push", () => {
    it("says how urgent it is, and nothing of whom or what, whatever else is in it", () => {
        const notice = noticeOf({ ...push, body: "Mr Okonkwo", sender: "@g:x" });
        expect(notice).toEqual({ roomId: "!r:x", class: "urgent", unread: 4 });
        const { title, options } = shown(notice ?? { roomId: "", class: "message", unread: 0 }, "en");
        expect(title).toBe("Urgent request");
        expect(options.body).toBeUndefined();
        expect(options.requireInteraction).toBe(true);
        expect(options.actions?.map((one) => one.action)).toEqual(["accept", "decline"]);
    });

    it("replaces the earlier one of its conversation", () => {
        expect(shown({ roomId: "!r:x", class: "message", unread: 1 }, "cy")).toMatchObject({
            title: "Neges newydd",
            options: { tag: "!r:x" },
        });
    });

    it("that nobody understands is a message, or nothing without a conversation", () => {
        expect(noticeOf({ room_id: "!r:x", class: "brand-new" })?.class).toBe("message");
        expect(noticeOf({ class: "urgent" })).toBeUndefined();
        expect(noticeOf(null)).toBeUndefined();
        expect(ackOf({ ack_token: "t", app_id: "a" })).toBe("t");
    });

    it("leads to its conversation, with the answer if one was pressed", () => {
        expect(destination("!r:x", "")).toBe("/chats/!r%3Ax");
        expect(destination("!r:x", "accept")).toBe("/chats/!r%3Ax?answer=accept");
    });

    it("is over once its conversation was read, or its request answered", () => {
        const of = (kind: string) => ({ roomId: "!r:x", class: kind });
        for (const kind of ["message", "mention", "information", "invite"]) {
            expect(isOver(of(kind), "!r:x", "read")).toBe(true);
            expect(isOver(of(kind), "!r:x", "answered")).toBe(false);
        }
        for (const kind of ["urgent", "action"]) {
            expect(isOver(of(kind), "!r:x", "read")).toBe(false);
            expect(isOver(of(kind), "!r:x", "answered")).toBe(true);
        }
        for (const kind of ["call", "crash", "drill", "broadcast"]) {
            expect(isOver(of(kind), "!r:x", "read")).toBe(false);
            expect(isOver(of(kind), "!r:x", "answered")).toBe(false);
        }
        expect(isOver(of("message"), "!other:x", "read")).toBe(false);
        expect(isOver(null, "!r:x", "read")).toBe(false);
    });

    it("of a message leaves a request that waits for its answer standing, and quiet", () => {
        const message = { roomId: "!r:x", class: "message", unread: 2 } as const;
        const urgent = { roomId: "!r:x", class: "urgent" };
        const now = shown(standing(message, [null, urgent]), "en");
        expect(now.title).toBe("Urgent request");
        expect(now.options.actions?.map(({ action }) => action)).toEqual(["accept", "decline"]);
        expect(now.options.renotify).toBe(false);
        expect(standing(message, [{ roomId: "!other:x", class: "urgent" }])).toBe(message);
        expect(standing(message, [{ roomId: "!r:x", class: "message" }])).toBe(message);
        const later = { roomId: "!r:x", class: "action", unread: 3 } as const;
        expect(standing(later, [urgent])).toBe(later);
    });
});
