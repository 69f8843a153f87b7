import { expect, test } from "vitest";
import { frames, reportOf, screenOf } from "./error-report.ts";

test("an error is told by its class and its places in the code, never by its words", () => {
    const error = new TypeError("Mr Okonkwo is worse");
    error.stack =
        "TypeError: Mr Okonkwo is worse\n at f (https://x.example/assets/index-1a2b.js:1:2345)\n at words";
    const told = JSON.stringify(reportOf(error, "/chats/!room:x", "index-1a2b.js"));
    expect(told).not.toMatch(/Okonkwo|room|x\.example/);
    expect(JSON.parse(told)).toEqual({
        kind: "TypeError",
        screen: "/chats/:id",
        build: "index-1a2b.js",
        frames: ["/assets/index-1a2b.js:1:2345"],
    });
    expect(reportOf("words of a patient", "/", "b")).toMatchObject({ kind: "string", frames: [] });
    expect(frames("nothing")).toEqual([]);
    expect(screenOf("/on-call")).toBe("/on-call");
});
