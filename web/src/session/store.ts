import type { MatrixClient } from "matrix-js-sdk";
import { create } from "zustand";
import type { Glance } from "../chats/glance.ts";
import type { Calls } from "../calls/center.ts";
import type { FhirClient } from "../fhir/client.ts";
import type { MediaStore } from "../matrix/media.ts";
import type { Outbox } from "../matrix/outbox.ts";
import type { Locked, Vault } from "../matrix/vault.ts";
import type { MessageSearch } from "../search/message-search.ts";

/** Where this browser stands. */
export type Phase =
    | "starting"
    /** Wardline runs in another tab. */
    | "elsewhere"
    /** The browser refuses what Wardline needs (storage or encryption). */
    | "unusable"
    /** A PIN stands before what is kept here. */
    | "locked"
    | "signed-out"
    /** A part of the app could not be fetched. */
    | "not-loaded"
    /** The session is known and what runs it is on its way: what is kept of the last visit is shown. */
    | "opening"
    | "running";

/** Quality of the connection to the server. */
export type Connection = "connecting" | "online" | "reconnecting";

export interface SessionState {
    phase: Phase;
    connection: Connection;
    /** The first sync has come: what is not shown does not exist. */
    loaded: boolean;
    /** The conversations as the list last showed them; there while the session opens. */
    glance?: Glance | undefined;
    /** When what an earlier visit kept was the present; milliseconds since the epoch. */
    keptAt?: number | undefined;
    /** The server has answered during this visit. */
    heard?: boolean | undefined;
    /** Shown on the sign-in page: why one is there. */
    notice?: string | undefined;
    /** Why the sign-in that the person just came back from did not work. */
    failure?: string | undefined;
    /** Earlier messages cannot be read on this browser, or its set-up is still being tried. */
    history: "readable" | "setting-up" | "unreadable";
    /** The organisation that vouches for its staff, by name. */
    trust?: string | undefined;
    /** Goes on with the set-up of encryption where the person can help here and now. */
    setUpAgain?: (() => void) | undefined;
    client?: MatrixClient | undefined;
    fhir?: FhirClient | undefined;
    outbox?: Outbox | undefined;
    media?: MediaStore | undefined;
    calls?: Calls | undefined;
    /** `fetch` with the session's token, for the server's own services. */
    authorised?: typeof globalThis.fetch | undefined;
    /** There is reason to think that the connection is back, or that there is news: looks at once. */
    wake?: (() => void) | undefined;
    /** Finds what was said; there soon after the start. */
    search?: MessageSearch | undefined;
    vault?: Vault | undefined;
    /** A PIN stands before this session. */
    pin?: boolean | undefined;
    /** What stands before the session; while locked. */
    lock?: Locked | undefined;
}

/** The session, for the screens. Only `session.ts` changes it. */
export const useSession = create<SessionState>(() => ({
    phase: "starting",
    connection: "connecting",
    loaded: false,
    history: "readable",
}));

/** The client of a running session; only components inside the running app use it. */
export function useClient(): MatrixClient {
    const client = useSession((session) => session.client);
    if (!client) throw new Error("no session is running");
    return client;
}
