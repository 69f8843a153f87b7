import { lockUnder, openWith, pause, type PinLock } from "./pin.ts";
import { openWithPlatform, type PlatformLock } from "./platform-lock.ts";

/**
 * The only place where this browser keeps anything between visits.
 *
 * With a PIN the key is not stored at all: it lies, wrapped, under a key made of the PIN (`pin.ts`), and if the person wants under the
 * device's own unlocking as well (`platform-lock.ts`); whoever opens the
 * browser without it has ciphertext. On a shared computer the key is in the tab's own session and goes with the tab.
 *
 * Every record is JSON, encrypted with AES-256-GCM. The key is made here, is marked non-extractable, and lives in
 * the same IndexedDB: script can use it but nobody can read it out, so a copied profile folder or a browser
 * backup does not reveal tokens, drafts or queued messages. The record's name is authenticated with it, so one record
 * cannot be passed off as another.
 */
const DATABASE = "wardline-vault";
const KEYS = "keys";
const RECORDS = "records";
const MASTER = "master";
const LOCK = "lock";
const PLATFORM = "platform";
/** Not a key: the hash of the session's token, by which a locked device learns that it is to erase itself. */
const WATCH = "watch";
const TAB_KEY = "wardline-tab-key";

interface Sealed {
    iv: Uint8Array<ArrayBuffer>;
    data: ArrayBuffer;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error("storage failed"));
    });
}

function open(): Promise<IDBDatabase> {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
        request.result.createObjectStore(KEYS);
        request.result.createObjectStore(RECORDS);
    };
    return done(request);
}

/** Waits until a transaction is on disk; resolves only then. */
function committed(transaction: IDBTransaction): Promise<void> {
    return new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onerror = () => reject(transaction.error ?? new Error("storage failed"));
        transaction.onabort = () => reject(transaction.error ?? new Error("storage was refused"));
    });
}

async function importKey(raw: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
    return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function readKey<T>(database: IDBDatabase, name: string): Promise<T | undefined> {
    return done<T | undefined>(database.transaction(KEYS).objectStore(KEYS).get(name));
}

async function writeKey(database: IDBDatabase, name: string, value: unknown): Promise<void> {
    const transaction = database.transaction(KEYS, "readwrite", { durability: "strict" });
    transaction.objectStore(KEYS).put(value, name);
    await committed(transaction);
}

async function masterKey(database: IDBDatabase): Promise<CryptoKey> {
    const existing = await readKey<CryptoKey>(database, MASTER);
    if (existing) return existing;
    const made = await importKey(crypto.getRandomValues(new Uint8Array(32)));
    await writeKey(database, MASTER, made);
    return made;
}

/** The key of a shared computer: it lives as long as the tab. What another tab left cannot be read and is removed. */
async function tabKey(database: IDBDatabase): Promise<CryptoKey> {
    const kept = sessionStorage.getItem(TAB_KEY);
    if (kept !== null)
        return importKey(Uint8Array.from(atob(kept), (character) => character.codePointAt(0) ?? 0));
    const raw = crypto.getRandomValues(new Uint8Array(32));
    const transaction = database.transaction([KEYS, RECORDS], "readwrite", { durability: "strict" });
    transaction.objectStore(KEYS).clear();
    transaction.objectStore(RECORDS).clear();
    await committed(transaction);
    sessionStorage.setItem(TAB_KEY, btoa(String.fromCodePoint(...raw)));
    return importKey(raw);
}

/** How an attempt to unlock ended. */
export type Unlocking =
    | { vault: Vault }
    /** Wrong: how many are left, and when the next may be tried; see `Locked`. */
    | { left: number; notBefore: number }
    | { erased: true };

/** What stands before what is kept here. */
export interface Locked {
    /** PINs that may still be tried. */
    left: number;
    /** When the next one may be tried, milliseconds since the epoch. */
    notBefore: number;
    /** The device's own unlocking opens it too. */
    platform: boolean;
    /** See `Vault.watch`. */
    watch?: string | undefined;
}

/** Whether a PIN stands before what is kept here, and when the next one may be tried. */
export async function lockOf(): Promise<Locked | undefined> {
    const database = await open();
    const [lock, platform, watch] = await Promise.all([
        readKey<PinLock>(database, LOCK),
        readKey<PlatformLock>(database, PLATFORM),
        readKey<string>(database, WATCH),
    ]);
    database.close();
    return (
        lock && {
            left: lock.most - lock.wrong,
            notBefore: lock.notBefore,
            platform: platform !== undefined,
            watch,
        }
    );
}

/** Opens the vault by the device's own unlocking; `undefined` when the person did not show themselves to it. */
export async function unlockByPlatform(): Promise<Vault | undefined> {
    const database = await open();
    const [lock, platform] = await Promise.all([
        readKey<PinLock>(database, LOCK),
        readKey<PlatformLock>(database, PLATFORM),
    ]);
    const raw = platform && (await openWithPlatform(platform));
    if (!raw) {
        database.close();
        return undefined;
    }
    if (lock) await writeKey(database, LOCK, { ...lock, wrong: 0, notBefore: 0 });
    return Vault.with(database, await importKey(raw));
}

/** Erases everything, without opening it. */
export async function eraseLocked(): Promise<void> {
    await done(indexedDB.deleteDatabase(DATABASE));
}

/** Opens the vault with a PIN. A wrong one is counted before anything is answered; too many erase everything. */
export async function unlock(pin: string, now: number): Promise<Unlocking> {
    const database = await open();
    const lock = await readKey<PinLock>(database, LOCK);
    if (!lock) return { vault: await Vault.open() };
    if (now < lock.notBefore) {
        database.close();
        return { left: lock.most - lock.wrong, notBefore: lock.notBefore };
    }
    const wrong = lock.wrong + 1;
    // Counted first: a page that is closed while it tries has tried.
    const next = { ...lock, wrong, notBefore: now + pause(wrong) };
    await writeKey(database, LOCK, next);
    const raw = await openWith(pin, lock);
    if (raw) {
        await writeKey(database, LOCK, { ...lock, wrong: 0, notBefore: 0 });
        return { vault: Vault.with(database, await importKey(raw)) };
    }
    database.close();
    if (wrong < lock.most) return { left: lock.most - wrong, notBefore: next.notBefore };
    await done(indexedDB.deleteDatabase(DATABASE));
    return { erased: true };
}

/** A record's name is authenticated with it, so that one cannot be passed off as another. */
async function seal(key: CryptoKey, name: string, plain: Uint8Array<ArrayBuffer>): Promise<Sealed> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const additionalData = new TextEncoder().encode(name);
    return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, plain) };
}

/** An encrypted key-value store; see the module comment. */
export class Vault {
    private erased = false;

    /** Changes happen one after another, so that none can be overtaken by a change of the key. */
    private line: Promise<unknown> = Promise.resolve();

    private constructor(
        private readonly database: IDBDatabase,
        private key: CryptoKey,
    ) {}

    /**
     * Opens the store, making its key on first use. Fails if the browser refuses storage (private windows). On a `shared`
     * computer the key lives as long as the tab.
     */
    static async open(shared = false): Promise<Vault> {
        const database = await open();
        return new Vault(database, await (shared ? tabKey(database) : masterKey(database)));
    }

    /** The store behind a key that was unlocked. */
    static with(database: IDBDatabase, key: CryptoKey): Vault {
        return new Vault(database, key);
    }

    /** Puts a PIN before everything: all records get a new key, which is kept only under the PIN. */
    setPin(pin: string, most: number): Promise<void> {
        return this.inLine(async () => {
            const raw = crypto.getRandomValues(new Uint8Array(32));
            const lock = await lockUnder(pin, raw, most);
            await this.rekey(await importKey(raw), (keys) => {
                // What the device's own unlocking opens is the key of before.
                for (const name of [MASTER, PLATFORM]) keys.delete(name);
                keys.put(lock, LOCK);
            });
        });
    }

    /**
     * Lets the device's own unlocking open what lies under the PIN; `make` lays the key under it. `false` for a wrong PIN, which counts
     * as one on the lock screen does.
     */
    allowPlatform(
        pin: string,
        now: number,
        make: (key: Uint8Array<ArrayBuffer>) => Promise<PlatformLock>,
    ): Promise<boolean> {
        return this.inLine(async () => {
            const lock = await readKey<PinLock>(this.database, LOCK);
            if (!lock || now < lock.notBefore) return false;
            const raw = await openWith(pin, lock);
            if (!raw) {
                const wrong = Math.min(lock.wrong + 1, lock.most - 1);
                await writeKey(this.database, LOCK, { ...lock, wrong, notBefore: now + pause(wrong) });
                return false;
            }
            await writeKey(this.database, PLATFORM, await make(raw));
            return true;
        });
    }

    /** Only the PIN opens it from now on. */
    forbidPlatform(): Promise<void> {
        return this.inLine(() => this.removeKey(PLATFORM));
    }

    /** Whether the device's own unlocking opens it. */
    async opensByPlatform(): Promise<boolean> {
        return (await readKey<PlatformLock>(this.database, PLATFORM)) !== undefined;
    }

    /** Keeps the hash of the session's token in clear, for when this is locked: see `session/erasure.ts`. */
    watch(hash: string): Promise<void> {
        return this.inLine(async () => {
            if (!this.erased) await writeKey(this.database, WATCH, hash);
        });
    }

    private async removeKey(name: string): Promise<void> {
        const transaction = this.database.transaction(KEYS, "readwrite", { durability: "strict" });
        transaction.objectStore(KEYS).delete(name);
        await committed(transaction);
    }

    /** Takes the PIN away: all records get a new key, which this browser keeps. */
    removePin(): Promise<void> {
        return this.inLine(async () => {
            const key = await importKey(crypto.getRandomValues(new Uint8Array(32)));
            await this.rekey(key, (keys) => {
                for (const name of [LOCK, PLATFORM]) keys.delete(name);
                keys.put(key, MASTER);
            });
        });
    }

    private inLine<T>(action: () => Promise<T>): Promise<T> {
        const result = this.line.then(action, action);
        this.line = result.catch(() => undefined);
        return result;
    }

    /** All records under `key`, in one transaction with what becomes of the keys: a crash leaves all or nothing. */
    private async rekey(key: CryptoKey, change: (keys: IDBObjectStore) => void): Promise<void> {
        const store = this.database.transaction(RECORDS).objectStore(RECORDS);
        const [names, sealed] = await Promise.all([done(store.getAllKeys()), done<Sealed[]>(store.getAll())]);
        const again = new Map<string, Sealed>();
        for (const [index, name] of names.entries()) {
            const record = sealed[index];
            const plain = typeof name === "string" && record ? await this.open(name, record) : undefined;
            if (typeof name === "string" && plain) again.set(name, await seal(key, name, plain));
        }
        const transaction = this.database.transaction([KEYS, RECORDS], "readwrite", { durability: "strict" });
        change(transaction.objectStore(KEYS));
        const records = transaction.objectStore(RECORDS);
        records.clear();
        for (const [name, record] of again) records.put(record, name);
        await committed(transaction);
        this.key = key;
    }

    /** Reads a record; `undefined` when it does not exist or cannot be opened with this browser's key. */
    async get<T>(name: string): Promise<T | undefined> {
        if (this.erased) return undefined;
        const sealed = await done<Sealed | undefined>(
            this.database.transaction(RECORDS).objectStore(RECORDS).get(name),
        );
        return sealed && this.unseal<T>(name, sealed);
    }

    /** Writes a record; resolves when it is on disk. */
    async put(name: string, value: unknown): Promise<void> {
        await this.putBytes(name, new TextEncoder().encode(JSON.stringify(value)));
    }

    /** Writes a record of bytes, such as a photo that waits to be sent; read it with `getBytes`. */
    putBytes(name: string, plain: Uint8Array<ArrayBuffer>): Promise<void> {
        return this.inLine(async () => {
            const sealed = await seal(this.key, name, plain);
            if (this.erased) return;
            const transaction = this.database.transaction(RECORDS, "readwrite", { durability: "strict" });
            transaction.objectStore(RECORDS).put(sealed, name);
            await committed(transaction);
        });
    }

    /** Reads a record of bytes; `undefined` as for `get`. */
    async getBytes(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
        if (this.erased) return undefined;
        const sealed = await done<Sealed | undefined>(
            this.database.transaction(RECORDS).objectStore(RECORDS).get(name),
        );
        return sealed && this.open(name, sealed);
    }

    /** Removes a record; no error when there is none. */
    remove(name: string): Promise<void> {
        return this.inLine(async () => {
            if (this.erased) return;
            const transaction = this.database.transaction(RECORDS, "readwrite");
            transaction.objectStore(RECORDS).delete(name);
            await committed(transaction);
        });
    }

    /** Reads every record whose name starts with `prefix`, in the order of the names. */
    async list<T>(prefix: string): Promise<T[]> {
        if (this.erased) return [];
        const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
        const store = this.database.transaction(RECORDS).objectStore(RECORDS);
        const [names, sealed] = await Promise.all([
            done(store.getAllKeys(range)),
            done<Sealed[]>(store.getAll(range)),
        ]);
        const values: T[] = [];
        for (const [index, name] of names.entries()) {
            const record = sealed[index];
            if (typeof name !== "string") continue;
            const value = record && (await this.unseal<T>(name, record));
            if (value !== undefined) values.push(value);
        }
        return values;
    }

    /** Erases everything, the key included. Whatever is still written afterwards is dropped, and nothing is read. */
    async erase(): Promise<void> {
        this.erased = true;
        sessionStorage.removeItem(TAB_KEY);
        this.database.close();
        await done(indexedDB.deleteDatabase(DATABASE));
    }

    private async unseal<T>(name: string, sealed: Sealed): Promise<T | undefined> {
        const plain = await this.open(name, sealed);
        try {
            return plain && (JSON.parse(new TextDecoder().decode(plain)) as T);
        } catch {
            return undefined;
        }
    }

    private async open(name: string, sealed: Sealed): Promise<Uint8Array<ArrayBuffer> | undefined> {
        try {
            const additionalData = new TextEncoder().encode(name);
            return new Uint8Array(
                await crypto.subtle.decrypt(
                    { name: "AES-GCM", iv: sealed.iv, additionalData },
                    this.key,
                    sealed.data,
                ),
            );
        } catch {
            return undefined;
        }
    }
}
