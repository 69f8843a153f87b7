import type { MatrixClient, MatrixEvent } from "matrix-js-sdk";
import type { CryptoBackend } from "matrix-js-sdk/lib/common-crypto/CryptoBackend";

/**
 * The part of the SDK's crypto backend that shares a conversation's history with a new member (MSC4268) when the
 * invitation did not come from one of us but from the hospital's clerk. The SDK does this by itself only for its own `invite` and
 * `joinRoom`; the three methods exist on the object that `getCrypto()` returns but not in its public type.
 */
interface HistorySharing {
    shareRoomHistoryWithUser(roomId: string, userId: string): Promise<void>;
    markRoomAsPendingKeyBundle(roomId: string, inviterId: string): Promise<void>;
    maybeAcceptKeyBundle(roomId: string, inviterId: string): Promise<boolean>;
}

function hasHistorySharing(value: unknown): value is HistorySharing {
    const candidate = value as Partial<HistorySharing> | undefined;
    return (
        typeof candidate?.shareRoomHistoryWithUser === "function" &&
        typeof candidate.markRoomAsPendingKeyBundle === "function" &&
        typeof candidate.maybeAcceptKeyBundle === "function"
    );
}

/** The history-sharing side of a client's crypto, or `undefined` before crypto runs. */
export function historySharing(client: MatrixClient): HistorySharing | undefined {
    const backend: unknown = client.getCrypto();
    return hasHistorySharing(backend) ? backend : undefined;
}

/** The part of the SDK's crypto backend that writes to the key backup, which by itself it does only up to 10 seconds later. */
interface KeyBackupWriter {
    olmMachine: { backupRoomKeys(): Promise<object | undefined> };
    outgoingRequestProcessor: { makeOutgoingRequest(request: object): Promise<void> };
}

function writesBackup(value: unknown): value is KeyBackupWriter {
    const candidate = value as Partial<KeyBackupWriter> | undefined;
    return (
        typeof candidate?.olmMachine?.backupRoomKeys === "function" &&
        typeof candidate.outgoingRequestProcessor?.makeOutgoingRequest === "function"
    );
}

/**
 * Puts the keys that are not in the backup yet there. Call before this device forgets them: until then it may be the
 * only one that can read what was just written. Fails without a connection; does nothing where there is no backup.
 */
export async function backUpKeys(client: MatrixClient): Promise<void> {
    const backend: unknown = client.getCrypto();
    if (!writesBackup(backend)) return;
    for (
        let batch = await backend.olmMachine.backupRoomKeys();
        batch;
        batch = await backend.olmMachine.backupRoomKeys()
    ) {
        await backend.outgoingRequestProcessor.makeOutgoingRequest(batch);
    }
}

/** A request that the machine wants made, and be told the answer of; `body` is JSON. */
interface MachineRequest {
    id: string;
    type: number;
    body: string;
}

/** The part of the machine under the SDK that says of whom the devices are not known. */
export interface Machine {
    /** Consumes `users`. */
    updateTrackedUsers(users: object[]): Promise<void>;
    outgoingRequests(): Promise<MachineRequest[]>;
    markRequestAsSent(id: string, type: number, response: string): Promise<unknown>;
}

/** The machine that encrypts for a client, or `undefined` before crypto runs. */
export function machineOf(client: MatrixClient): Machine | undefined {
    const backend = client.getCrypto() as unknown as { olmMachine?: Machine } | undefined;
    return backend?.olmMachine;
}

function decrypts(value: unknown): value is CryptoBackend {
    return typeof (value as Partial<CryptoBackend> | undefined)?.decryptEvent === "function";
}

/** Tries once more to open an event, which looks for its key in the backup too. What stays shut is told as any failure. */
export async function decryptAgain(client: MatrixClient, event: MatrixEvent): Promise<void> {
    const backend: unknown = client.getCrypto();
    if (decrypts(backend)) await event.attemptDecryption(backend, { isRetry: true });
}
