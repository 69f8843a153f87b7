/**
 * The only place where this browser keeps anything between visits.
 *
 * Every record is JSON, encrypted with AES-256-GCM. The key is made here, is marked non-extractable, and lives in
 * the same IndexedDB: script can use it but nobody can read it out, so a copied profile folder or a browser
 * backup does not reveal tokens, drafts or queued messages. The record's name is authenticated with it, so one record
 * cannot be passed off as another.
 */
const DATABASE = "wardline-vault";
const KEYS = "keys";
const RECORDS = "records";

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

async function masterKey(database: IDBDatabase): Promise<CryptoKey> {
    const existing = await done<CryptoKey | undefined>(
        database.transaction(KEYS).objectStore(KEYS).get("master"),
    );
    if (existing) return existing;
    const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
        "encrypt",
        "decrypt",
    ]);
    const transaction = database.transaction(KEYS, "readwrite", { durability: "strict" });
    transaction.objectStore(KEYS).put(made, "master");
    await committed(transaction);
    return made;
}

/** An encrypted key-value store; see the module comment. */
export class Vault {
    private erased = false;

    private constructor(
        private readonly database: IDBDatabase,
        private readonly key: CryptoKey,
    ) {}

    /** Opens the store, making its key on first use. Fails if the browser refuses storage (private windows). */
    static async open(): Promise<Vault> {
        const database = await open();
        return new Vault(database, await masterKey(database));
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
    async putBytes(name: string, plain: Uint8Array<ArrayBuffer>): Promise<void> {
        const iv = crypto.getRandomValues(new Uint8Array(12));
        const additionalData = new TextEncoder().encode(name);
        const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, this.key, plain);
        if (this.erased) return;
        const transaction = this.database.transaction(RECORDS, "readwrite", { durability: "strict" });
        transaction.objectStore(RECORDS).put({ iv, data } satisfies Sealed, name);
        await committed(transaction);
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
    async remove(name: string): Promise<void> {
        if (this.erased) return;
        const transaction = this.database.transaction(RECORDS, "readwrite");
        transaction.objectStore(RECORDS).delete(name);
        await committed(transaction);
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
