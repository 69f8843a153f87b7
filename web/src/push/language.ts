/** The language of notifications, which the service worker writes: it reads no `localStorage`, and has no catalogue. */
const CACHE = "wardline-settings";
const NAME = "/language";

/** Keeps the language that was chosen in the app; `undefined` for that of the browser. */
export async function keepForWorker(language: string | undefined): Promise<void> {
    if (!("caches" in globalThis)) return;
    const cache = await caches.open(CACHE);
    if (language === undefined) await cache.delete(NAME);
    else await cache.put(NAME, new Response(language));
}

/** Keeps nothing of it. */
export async function forgetForWorker(): Promise<void> {
    if ("caches" in globalThis) await caches.delete(CACHE);
}

/** The language to notify in: what was chosen in the app, else the first part of the browser's own (`cy` of `cy-GB`). */
export async function language(browser: string): Promise<string> {
    const kept = await caches.match(NAME, { cacheName: CACHE });
    return kept ? kept.text() : (browser.split("-", 1)[0] ?? browser);
}
