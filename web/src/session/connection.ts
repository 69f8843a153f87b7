import { ClientEvent, type MatrixClient } from "matrix-js-sdk";
import type { Network } from "../matrix/network.ts";
import type { Outbox } from "../matrix/outbox.ts";
import { Pulse } from "../matrix/pulse.ts";
import { useSession } from "./store.ts";

/** A connection that is back before this was never gone for anybody. */
const UNNOTICED_MS = 1_000;
/** A device that was put away for so long may have slept, and its connections may have died. */
const ASLEEP_MS = 10_000;

interface Watched {
    /** There is reason to think that the connection is back, or that there is news: looks at once. */
    wake: () => void;
    stop: () => void;
}

/** Follows the connection and looks for it when it is lost. */
export function watchConnection(client: MatrixClient, outbox: Outbox, network: Network): Watched {
    const controller = new AbortController();
    const { signal } = controller;
    const pulse = new Pulse(() => void client.retryImmediately());
    let late: ReturnType<typeof setTimeout> | undefined;
    const gone = (): void => useSession.setState({ connection: "reconnecting" });

    client.on(ClientEvent.Sync, (state, previous, data) => {
        if (signal.aborted) return;
        if (data?.fromCache === true) {
            // What the last visit kept is on the screen; whether there is a connection is yet to be seen.
            useSession.setState({ loaded: true });
        } else if (state === "PREPARED" || state === "SYNCING") {
            pulse.back();
            clearTimeout(late);
            late = undefined;
            useSession.setState({ connection: "online", loaded: true, heard: true });
            if (previous !== "SYNCING") outbox.flush();
            if (state === "SYNCING") outbox.synced();
        } else if (state === "RECONNECTING" || state === "ERROR") {
            // Each of these is a try that has failed.
            pulse.lost();
            if (state === "ERROR") gone();
            else late ??= setTimeout(gone, UNNOTICED_MS);
        }
    });
    network.onAnswer = () => pulse.hint();

    const wake = (): void => {
        network.again();
        pulse.hint();
        outbox.flush();
    };
    let hidden = 0;
    const seen = (): void => {
        if (document.visibilityState !== "visible") {
            hidden = Date.now();
            void client.store.save(true);
            return;
        }
        if (Date.now() - hidden > ASLEEP_MS) network.again();
        // A phone that wakes up does not wait for its timers.
        pulse.hint();
        outbox.flush();
    };
    window.addEventListener("online", wake, { signal });
    document.addEventListener("visibilitychange", seen, { signal });
    window.addEventListener("offline", gone, { signal });
    const stop = (): void => {
        controller.abort();
        pulse.back();
        clearTimeout(late);
        network.onAnswer = () => undefined;
    };
    return { wake, stop };
}
