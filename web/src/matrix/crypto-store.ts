/** Where the SDK keeps the keys of encryption, as databases of the browser: they are erased by name, without the SDK. */

/** Erases the crypto store, as soon as nobody has it open. Call where no client of this page uses it. */
export async function eraseCryptoStore(prefix: string): Promise<void> {
    const erased = ["matrix-sdk-crypto", "matrix-sdk-crypto-meta"].map(
        (suffix) =>
            new Promise<void>((resolve) => {
                const request = indexedDB.deleteDatabase(`${prefix}::${suffix}`);
                request.onsuccess = request.onerror = request.onblocked = () => resolve();
            }),
    );
    await Promise.all(erased);
}

/** Erases every store of encryption keys that this app made here, whoever's it was. */
export async function eraseCryptoStores(): Promise<void> {
    const all = await indexedDB.databases();
    const ours = all.flatMap(({ name }) =>
        name?.startsWith("wardline-") && name.includes("::") ? name : [],
    );
    await Promise.all(
        ours.map(
            (name) =>
                new Promise<void>((resolve) => {
                    const request = indexedDB.deleteDatabase(name);
                    request.onsuccess = request.onerror = request.onblocked = () => resolve();
                }),
        ),
    );
}
