/// <reference lib="webworker" />
/**
 * The service worker: opens the app without a connection, and shows what is pushed. It holds the app's own files and nothing of
 * anybody's; tokens, keys and messages stay in the encrypted vault, which it never opens.
 */
import { language } from "./push/language.ts";
import { ackOf, destination, noticeOf, shown, standing } from "./push/notice.ts";

// The library for pages stands beside that for workers in this project.
const worker = globalThis as unknown as ServiceWorkerGlobalScope;

/** Filled in by the build: the app's files, and a name for this set of them. */
const FILES = "__WARDLINE_FILES__";
const VERSION = "__WARDLINE_VERSION__";
const PREFIX = "wardline-app-";
const CACHE = PREFIX + VERSION;
/** Files of ours that are kept only once they were used: what reads documents. */
const LATER = /^\/(assets|pdf)\//;
/** Paths that are answered by the server and never by this worker. */
const SERVED = ["/_", "/fhir", "/.well-known", "/oauth/", "/account", "/scim/", "/metrics"];

async function install(): Promise<void> {
    const cache = await caches.open(CACHE);
    const files = JSON.parse(FILES) as string[];
    await cache.addAll(files.map((file) => new Request(file, { cache: "no-cache" })));
    await worker.skipWaiting();
}

async function activate(): Promise<void> {
    // A page that was opened with the files before these may still ask for one of them: they go at the next change.
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
    await worker.clients.claim();
}

async function answer(request: Request): Promise<Response> {
    const page = request.mode === "navigate";
    const known = page ? await caches.match("/", { cacheName: CACHE }) : await caches.match(request);
    if (known) return known;
    const fetched = await fetch(request);
    if (fetched.ok && LATER.test(new URL(request.url).pathname)) {
        const copy = fetched.clone();
        await (await caches.open(CACHE)).put(request, copy).catch(() => undefined);
    }
    return fetched;
}

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("fetch", (event) => {
    const { pathname, origin, searchParams } = new URL(event.request.url);
    const ours = origin === location.origin && event.request.method === "GET";
    if (!ours || searchParams.has("fresh") || SERVED.some((prefix) => pathname.startsWith(prefix))) return;
    event.respondWith(answer(event.request));
});

function payload(event: PushEvent): unknown {
    try {
        return event.data?.json() as unknown;
    } catch {
        return undefined;
    }
}

async function pushed(event: PushEvent): Promise<void> {
    const body = payload(event);
    const windows = await worker.clients.matchAll({ type: "window" });
    const ack = ackOf(body);
    if (ack !== undefined) {
        for (const window of windows) window.postMessage({ kind: "push-ack", token: ack });
        return;
    }
    const notice = noticeOf(body);
    if (!notice) return;
    for (const window of windows) window.postMessage({ kind: "pushed" });
    await navigator.setAppBadge?.(notice.unread).catch(() => undefined);
    // Whoever looks at the app sees it there.
    if (windows.some((window) => window.focused)) return;
    const before = await worker.registration.getNotifications({ tag: notice.callId ?? notice.roomId });
    const now = standing(
        notice,
        before.map(({ data }) => data as unknown),
    );
    const { title, options } = shown(now, await language(worker.navigator.language));
    await worker.registration.showNotification(title, options);
}

async function pressed(event: NotificationEvent): Promise<void> {
    event.notification.close();
    const { roomId } = event.notification.data as { roomId: string };
    const to = destination(roomId, event.action);
    const [window] = await worker.clients.matchAll({ type: "window" });
    if (!window) {
        await worker.clients.openWindow(to);
        return;
    }
    await window.focus().catch(() => undefined);
    window.postMessage({ kind: "go", to });
}

worker.addEventListener("push", (event) => event.waitUntil(pushed(event)));
worker.addEventListener("notificationclick", (event) => event.waitUntil(pressed(event)));
