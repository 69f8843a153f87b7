import { describe, expect, it } from "vitest";
import { inOrder, passes, type ChatSummary } from "./summary.ts";

function chat(title: string, more: Partial<ChatSummary> = {}): ChatSummary {
    return {
        roomId: `!${title}:x`,
        title,
        place: "",
        kind: "person",
        patient: false,
        preview: "",
        own: false,
        at: 1,
        unread: 0,
        news: false,
        urgent: false,
        ended: false,
        marks: { pinned: false, archived: false, muted: false, unread: false },
        ...more,
    };
}
const marks = { pinned: false, archived: false, muted: false, unread: false };

describe("the list of conversations", () => {
    it("has what is pinned first, then what is newest", () => {
        const list = [
            chat("old", { at: 1 }),
            chat("new", { at: 3 }),
            chat("pinned", { marks: { ...marks, pinned: true } }),
        ];
        expect(list.toSorted(inOrder).map(({ title }) => title)).toEqual(["pinned", "new", "old"]);
    });

    it("puts away what is archived, but never what is urgent", () => {
        const away = chat("away", { marks: { ...marks, archived: true } });
        expect(passes(away, "all")).toBe(false);
        expect(passes(away, "archived")).toBe(true);
        expect(passes({ ...away, urgent: true }, "all")).toBe(true);
        expect(passes({ ...away, urgent: true }, "urgent")).toBe(true);
    });

    it("shows patients, roles and what is urgent by themselves", () => {
        const role = chat("role", { kind: "role" });
        const patient = chat("patient", { kind: "patient", patient: true, urgent: true });
        const shown = (filter: Parameters<typeof passes>[1]): string[] =>
            [role, patient].filter((one) => passes(one, filter)).map(({ title }) => title);
        expect(shown("roles")).toEqual(["role"]);
        expect(shown("patients")).toEqual(["patient"]);
        expect(shown("urgent")).toEqual(["patient"]);
        expect(shown("all")).toEqual(["role", "patient"]);
    });
});
