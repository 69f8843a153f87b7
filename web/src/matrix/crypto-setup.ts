import type { MatrixClient } from "matrix-js-sdk";
import type { CryptoApi, CryptoCallbacks, GeneratedSecretStorageKey } from "matrix-js-sdk/lib/crypto-api";
import { sealRecoveryKey, unsealRecoveryKey } from "./key-service.ts";
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

/** What set-up needs. */
export interface CryptoSetup {
    client: MatrixClient;
    tokens: TokenHolder;
    holder: SecretKeyHolder;
}

/**
 * Makes encryption work without a question (architecture: "trust without ceremony"). The first browser of an account
 * makes its keys, seals the recovery key at the hospital's key service and starts the key backup; later ones fetch the
 * recovery key, sign themselves and read the history. Call after the first sync. May be called again after a failure.
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
    const { client, tokens, holder } = setup;
    const recovery = await api.createRecoveryKeyFromPassphrase();
    const privateKey: Uint8Array<ArrayBuffer> = new Uint8Array(recovery.privateKey);
    holder.hold(privateKey);
    await sealRecoveryKey(tokens, privateKey);
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
}

/** Later browser: become part of the identity that exists and read the history. */
async function joinIdentity(api: CryptoApi, setup: CryptoSetup): Promise<CryptoOutcome> {
    if (await isSetUp(api)) return "ready";
    const key = await unsealRecoveryKey(setup.tokens);
    if (!key) return "no-history";
    setup.holder.hold(key);
    await api.bootstrapCrossSigning({});
    if (!(await isBackupStored(setup.client, api))) {
        // The set-up was cut short before its last step, or somebody deleted the backup: there is nothing to read in it.
        await api.resetKeyBackup();
        return "ready";
    }
    await api.loadSessionBackupPrivateKeyFromSecretStorage();
    await api.checkKeyBackupAndEnable();
    // From here on single messages are restored on demand; fetching all of them need not hold anything up.
    void api.restoreKeyBackup().catch(() => undefined);
    return "ready";
}

/** Whether this browser is part of the identity and of its backup, and later browsers can become so. */
export async function isSetUp(api: CryptoApi): Promise<boolean> {
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

/** Whether this browser holds the private keys of the identity. */
async function hasPrivateKeys(api: CryptoApi): Promise<boolean> {
    const { masterKey, selfSigningKey, userSigningKey } = (await api.getCrossSigningStatus())
        .privateKeysCachedLocally;
    return masterKey && selfSigningKey && userSigningKey;
}
