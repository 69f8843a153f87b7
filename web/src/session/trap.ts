import { useCalls } from "../calls/center.ts";

/** A page that is younger than this waits: one that fails at once must not begin anew without end. */
const LEAST_AGE_MS = 10_000;

/**
 * Tells `restart` when what encrypts has stopped for good, outside a call. It is compiled code: where it finds something that it holds for
 * impossible (such as a clock that was set back while a message was being encrypted) it traps, what it had in hand is never finished, and
 * every later message of that conversation would wait for it. Gives how to stop listening.
 */
export function watchTraps(restart: () => void): () => void {
    const controller = new AbortController();
    const { signal } = controller;
    let begun = false;
    const look = (reason: unknown): void => {
        if (begun || !(reason instanceof WebAssembly.RuntimeError)) return;
        begun = true;
        const timer = setTimeout(() => outsideCall(restart, signal), LEAST_AGE_MS - performance.now());
        signal.addEventListener("abort", () => clearTimeout(timer));
    };
    window.addEventListener("error", (event) => look(event.error), { signal });
    window.addEventListener("unhandledrejection", (event) => look(event.reason), { signal });
    return () => controller.abort();
}

function outsideCall(restart: () => void, signal: AbortSignal): void {
    if (!useCalls.getState().call) {
        restart();
        return;
    }
    const stop = useCalls.subscribe(({ call }) => {
        if (call) return;
        stop();
        restart();
    });
    signal.addEventListener("abort", stop);
}
