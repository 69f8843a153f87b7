/** Tells our own server where in the code something went wrong, without what anybody wrote: `docs/protocol/app.md`. */
import { useSession } from "./store.ts";

const PATH = "/_wardline/client/v1/errors";
const MOST_FRAMES = 20;
/** One broken screen must not flood the log. */
const MOST_REPORTS = 10;
let sent = 0;

function plain(text: string): string {
    return text.replace(/[^A-Za-z0-9\-_.:/$@<>]/g, "").slice(0, 200);
}

/** The places in the code that a stack names, without anything else in it. */
export function frames(stack: string): string[] {
    const places = stack.matchAll(/(\/assets\/[\w.-]+|\/sw\.js):(\d+):(\d+)/g);
    return [...places].slice(0, MOST_FRAMES).map(([, file, line, column]) => `${file}:${line}:${column}`);
}

/** The screen without the names of conversations and people. */
export function screenOf(path: string): string {
    return path
        .split("/")
        .map((part, index) => (index > 1 && part !== "" ? ":id" : plain(part)))
        .join("/");
}

/** What is told of an error: its class and where it was, never its message. */
export function reportOf(error: unknown, path: string, build: string): object {
    const known = error instanceof Error;
    return {
        kind: plain(known ? error.name : typeof error),
        screen: screenOf(path),
        build: plain(build),
        frames: known ? frames(error.stack ?? "") : [],
    };
}

/** Reports an error, if somebody is signed in and not too many were reported. */
export function report(error: unknown): void {
    const { authorised } = useSession.getState();
    if (!authorised || sent >= MOST_REPORTS) return;
    sent++;
    const build = /\/assets\/([\w.-]+)$/.exec(import.meta.url)?.[1] ?? "dev";
    void authorised(PATH, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(reportOf(error, location.pathname, build)),
    }).catch(() => undefined);
}

/**
 * A request that did not reach the server: no fault of the code, and the screens say that there is no connection. The SDK catches it
 * nowhere where it makes ready to encrypt (`prepareToEncrypt`), and we cannot there.
 */
function isNoConnection(reason: unknown): boolean {
    return reason instanceof Error && reason.name === "ConnectionError";
}

/** Reports what nobody caught. */
export function reportErrors(): void {
    window.addEventListener("error", (event) => {
        // Without an error it is a remark of the browser's, such as a size that was told a frame late.
        if (event.error instanceof Error) report(event.error);
    });
    window.addEventListener("unhandledrejection", (event) => {
        if (isNoConnection(event.reason)) event.preventDefault();
        else report(event.reason);
    });
}
