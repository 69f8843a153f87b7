import { describe, expect, it } from "vitest";
import { completed, fitting, mentionContent, namedIn, partialMention, type Mentionable } from "./mentions.ts";

const grace: Mentionable = {
    kind: "person",
    id: "g",
    name: "Sister Grace Adeyemi",
    detail: "",
    userId: "@g:x",
};
const registrar: Mentionable = {
    kind: "role",
    id: "medreg",
    name: "Medical registrar",
    detail: "",
    userId: "@p:x",
};
const vacant: Mentionable = { kind: "role", id: "bleep", name: "Site manager", detail: "" };
const all = [grace, registrar, vacant];

describe("naming somebody", () => {
    it("begins with an @ that begins a word", () => {
        expect(partialMention("ask @gra", 8)).toEqual({ from: 4, query: "gra" });
        expect(partialMention("@", 1)).toEqual({ from: 0, query: "" });
        expect(partialMention("a@b", 3)).toBeUndefined();
        expect(partialMention("@gra is here now", 16)).toBeUndefined();
    });

    it("finds people and roles by any word of their name", () => {
        expect(fitting(all, "ade")).toEqual([grace]);
        expect(fitting(all, "reg")).toEqual([registrar]);
        expect(fitting(all, "medical r")).toEqual([registrar]);
        expect(fitting(all, "")).toHaveLength(3);
    });

    it("puts the name in and goes on behind it", () => {
        expect(completed("ask @gra now", 8, 4, grace.name)).toEqual({
            text: "ask @Sister Grace Adeyemi  now",
            caret: 26,
        });
    });

    it("tells the person, or whoever holds the role", () => {
        const named = namedIn("@Sister Grace Adeyemi please tell @Medical registrar and @Site manager", all);
        expect(mentionContent(named)).toEqual({
            "m.mentions": { user_ids: ["@g:x", "@p:x"] },
            "org.wardline.role_mentions": ["medreg", "bleep"],
        });
        expect(mentionContent(namedIn("nobody", all))).toEqual({});
    });
});
