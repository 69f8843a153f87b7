import { ConnectionError } from "matrix-js-sdk";
import { expect, test, vi } from "vitest";
import { frames, reportErrors, reportOf, screenOf } from "./error-report.ts";
import { useSession } from "./store.ts";

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

test("what nobody caught is reported, but not that a request found no connection", () => {
    const authorised = vi.fn<typeof fetch>(() => Promise.resolve(new Response()));
    useSession.setState({ authorised });
    reportErrors();
    const reject = (reason: unknown): Event => {
        const event = new Event("unhandledrejection", { cancelable: true });
        window.dispatchEvent(Object.assign(event, { reason }));
        return event;
    };
    expect(reject(new ConnectionError("fetch failed")).defaultPrevented).toBe(true);
    expect(authorised).not.toHaveBeenCalled();
    expect(reject(new TypeError("no such thing")).defaultPrevented).toBe(false);
    expect(authorised).toHaveBeenCalledOnce();
});
