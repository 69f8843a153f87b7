import { expect, test } from "vitest";
import { pageOf, pagePath } from "./paths.ts";

test("an address leads to the page that it was made for, and a conversation is no page", () => {
    const path = pagePath("on-call", "role", "site:manager/1");
    expect(path).toBe("/on-call/role%3Asite%3Amanager%2F1");
    const opened = decodeURIComponent(path.split("/")[2] ?? "");
    expect(pageOf(opened)).toEqual({ kind: "role", id: "site:manager/1" });
    expect(pageOf("!room:riverside.example")).toBeUndefined();
});
