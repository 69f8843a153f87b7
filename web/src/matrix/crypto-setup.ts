import type { MatrixClient } from "matrix-js-sdk";
import type { CryptoApi, CryptoCallbacks, GeneratedSecretStorageKey } from "matrix-js-sdk/lib/crypto-api";
import { backUpKeys } from "./crypto-backend.ts";
import { keyPolicy, sealRecoveryKey, unsealRecoveryKey } from "./key-service.ts";
import type { TokenHolder } from "./tokens.ts";

/** How the set-up of encryption ended: everything readable, or only what comes from now on. */
export type CryptoOutcome = "ready" | "no-history";

/**
 * Holds the secret-storage key while encryption is being set up (and no longer), for the SDK's callbacks.
 */
export class SecretKeyHolder {
    private key: Uint8Array<ArrayBuffer> | undefined;

    readonly callbacks: CryptoCallbacks = {
        getSecretStorageKey: ({ keys }) => {
            const keyId = Object.keys(keys)[0];
            return Promise.resolve(keyId && this.key ? [keyId, this.key] : null);
        },
    };

    hold(key: Uint8Array<ArrayBuffer>): void {
        this.key = key;
    }

    drop(): void {
        this.key?.fill(0);
        this.key = undefined;
    }
}

/** The person themselves, where the Trust has each keep their own recovery key. */
export interface Owner {
    /** Shows a new key, once; resolves when the person says that they have it. */
    show(key: string): Promise<void>;
    /** Asks for the key until it is the `right` one; `undefined` when the person has not got it with them. */
    ask(
        right: (key: Uint8Array<ArrayBuffer>) => Promise<boolean>,
    ): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

/** What set-up needs. */
export interface CryptoSetup {
    client: MatrixClient;
    tokens: TokenHolder;
    holder: SecretKeyHolder;
    owner: Owner;
}

/**
 * Makes encryption work without a question (architecture: "trust without ceremony"). The first browser of an account
 * makes its keys, seals the recovery key at the hospital's key service and starts the key backup; later ones fetch the
 * recovery key, sign themselves and read the history. Where people keep their own keys, the person is shown and asked for it
 * instead. Call after the first sync. May be called again after a failure.
 */
export async function setUpCrypto(setup: CryptoSetup): Promise<CryptoOutcome> {
    const api = setup.client.getCrypto();
    if (!api) throw new Error("encryption is not running");
    try {
        const exists = await isPublished(setup.client);
        if (exists && (await isIdentityStored(api))) return await joinIdentity(api, setup);
        // Keys that are not in secret storage are the trace of a set-up cut short. The browser that made them still has
        // them and goes on; for another one nobody can ever read them, and the account page must allow new ones.
        await createIdentity(api, setup, exists && (await hasPrivateKeys(api)));
        return "ready";
    } finally {
        setup.holder.drop();
    }
}

/**
 * First browser: sealing comes first, so that a crash at any later point never leaves keys that nobody can open. With
 * `madeHere` the identity was made and published by this browser before, and is only stored now.
 */
async function createIdentity(api: CryptoApi, setup: CryptoSetup, madeHere: boolean): Promise<void> {
    const { client, tokens, holder, owner } = setup;
    const recovery = await api.createRecoveryKeyFromPassphrase();
    const privateKey: Uint8Array<ArrayBuffer> = new Uint8Array(recovery.privateKey);
    holder.hold(privateKey);
    if ((await keyPolicy()) === "managed") await sealRecoveryKey(tokens, privateKey);
    else await owner.show(recovery.encodedPrivateKey ?? "");
    if (madeHere) {
        // Publishing may have ended before this device was signed.
        const device = client.getDeviceId();
        if (device !== null) await api.crossSignDevice(device);
    } else {
        await api.bootstrapCrossSigning({
            // Also where keys lie here that were never published: the SDK would leave it at that.
            setupNewCrossSigning: true,
            // The first keys of an account need no further proof; for others the account page gives leave before.
            authUploadDeviceSigningKeys: (makeRequest) => makeRequest(null),
        });
    }
    await api.bootstrapSecretStorage({
        createSecretStorageKey: (): Promise<GeneratedSecretStorageKey> => Promise.resolve(recovery),
        setupNewSecretStorage: true,
        setupNewKeyBackup: true,
    });
    await leaveSleeper(api);
}

/** Later browser: become part of the identity that exists and read the history. */
async function joinIdentity(api: CryptoApi, setup: CryptoSetup): Promise<CryptoOutcome> {
    if (await isSetUp(api)) return "ready";
    const key = await recoveryKey(setup);
    if (!key) return "no-history";
    setup.holder.hold(key);
    await api.bootstrapCrossSigning({});
    if (!(await isBackupStored(setup.client, api))) {
        // The set-up was cut short before its last step, or somebody deleted the backup: there is nothing to read in it.
        await api.resetKeyBackup();
        await leaveSleeper(api);
        return "ready";
    }
    // Before the backup is in use: an upload under way would mark a key as backed up of which the sleeper has an earlier copy.
    await leaveSleeper(api);
    await api.loadSessionBackupPrivateKeyFromSecretStorage();
    await api.checkKeyBackupAndEnable();
    // What only the sleeper had is on this device alone until it is in the backup.
    void backUpKeys(setup.client).catch(() => undefined);
    // From here on single messages are restored on demand; fetching all of them need not hold anything up.
    void api.restoreKeyBackup().catch(() => undefined);
    return "ready";
}

/** Whether this browser is part of the identity and of its backup, and later browsers can become so. */
export async function isSetUp(api: CryptoApi): Promise<boolean> {
    // The SDK takes an identity that the organisation vouches for as its owner's on every browser: what counts is whether
    // its secrets are here.
    if (!(await hasPrivateKeys(api)) || (await api.getSessionBackupPrivateKey()) === null) return false;
    if (!(await api.isCrossSigningReady()) || !(await api.checkKeyBackupAndEnable())) return false;
    return api.isSecretStorageReady();
}

/**
 * Whether the server has the person's identity. The SDK would also count one that this browser made and never got to
 * publish.
 */
async function isPublished(client: MatrixClient): Promise<boolean> {
    const me = client.getSafeUserId();
    return (await client.downloadKeysForUsers([me])).master_keys?.[me] !== undefined;
}

/** Whether secret storage holds the whole identity, sealed by its present key. */
async function isIdentityStored(api: CryptoApi): Promise<boolean> {
    const stored = (await api.getSecretStorageStatus()).secretStorageKeyValidityMap;
    return (["master", "self_signing", "user_signing"] as const).every(
        (key) => stored[`m.cross_signing.${key}`] === true,
    );
}

/** Whether there is a key backup, and its key in secret storage. */
async function isBackupStored(client: MatrixClient, api: CryptoApi): Promise<boolean> {
    if ((await api.getKeyBackupInfo()) === null) return false;
    const keyId = await client.secretStorage.getDefaultKeyId();
    const stored = await client.secretStorage.isStored("m.megolm_backup.v1");
    return keyId !== null && stored !== null && keyId in stored;
}

/** The recovery key, from whoever keeps it. */
async function recoveryKey(setup: CryptoSetup): Promise<Uint8Array<ArrayBuffer> | null> {
    if ((await keyPolicy()) === "managed") return unsealRecoveryKey(setup.tokens);
    const { secretStorage } = setup.client;
    const [, stored] = (await secretStorage.getKey()) ?? [];
    if (!stored) return null;
    return (await setup.owner.ask((key) => secretStorage.checkKey(key, stored))) ?? null;
}

/**
 * Wakes the sleeping device (MSC3814), which received keys while its owner had no other, and leaves a new one for the next
 * time. Messages are read without it as far as others were signed in, so its failure is no failure of the set-up.
 */
async function leaveSleeper(api: CryptoApi): Promise<void> {
    if (!(await api.isDehydrationSupported())) return;
    await api.startDehydration().catch(() => undefined);
}

/** Whether this browser holds the private keys of the identity. */
async function hasPrivateKeys(api: CryptoApi): Promise<boolean> {
    const { masterKey, selfSigningKey, userSigningKey } = (await api.getCrossSigningStatus())
        .privateKeysCachedLocally;
    return masterKey && selfSigningKey && userSigningKey;
}
