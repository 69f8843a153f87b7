import { createClient, PendingEventOrdering, type MatrixClient } from "matrix-js-sdk";
import type { IStore } from "matrix-js-sdk/lib/store";
import type { SecretKeyHolder } from "./crypto-setup.ts";
import { quietLogger, silenceSdk } from "./logger.ts";
import type { Identity } from "./identity.ts";
import { roomName } from "./room-name.ts";
import type { TokenHolder } from "./tokens.ts";

/**
 * Makes a client with encryption running; nothing is sent until `startSync`. Identities that are signed under
 * `certificates` (PEM) count as verified.
 */
export async function makeClient(
    identity: Identity,
    tokens: TokenHolder,
    holder: SecretKeyHolder,
    store: IStore,
    certificates?: string,
): Promise<MatrixClient> {
    silenceSdk();
    const client = createClient({
        baseUrl: location.origin,
        fetchFn: tokens.fetch,
        accessToken: tokens.accessToken,
        userId: identity.userId,
        deviceId: identity.deviceId,
        cryptoCallbacks: holder.callbacks,
        logger: quietLogger,
        store,
        roomNameGenerator: roomName,
        // What was loaded before a gap (more was said than one answer of `/sync` holds) is kept as a timeline of its own: see `loaded.ts`.
        timelineSupport: true,
        // A dead connection must not keep a message "being sent" for ever; `/sync` has its own longer limit.
        localTimeoutMs: 30_000,
        verificationMethods: [],
    });
    client.setMaxListeners(200);
    const storageKey = Uint8Array.from(
        atob(identity.cryptoKey),
        (character) => character.codePointAt(0) ?? 0,
    );
    await client.initRustCrypto({
        cryptoDatabasePrefix: identity.cryptoPrefix,
        storageKey,
        ...(certificates !== undefined && { caCertsPem: certificates }),
    });
    return client;
}

/** Starts `/sync`; it goes on by itself, through server restarts too, until `stopClient`. */
export async function startSync(client: MatrixClient): Promise<void> {
    await client.startClient({
        initialSyncLimit: 30,
        lazyLoadMembers: true,
        pendingEventOrdering: PendingEventOrdering.Detached,
        pollTimeout: 25_000,
    });
}
