import { scriptAddress } from "../ui/trusted.ts";

/** Starts the service worker, which opens the app without a connection and shows what is pushed. */
export async function startWorker(): Promise<void> {
    if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
    try {
        await navigator.serviceWorker.register(scriptAddress("/sw.js"), { type: "module" });
    } catch {
        // Without it the app works as long as there is a connection.
    }
}

/** Nothing is shown, counted or pushed here any more: nobody is signed in. */
export async function silence(): Promise<void> {
    if (!("serviceWorker" in navigator)) return;
    const registration = await navigator.serviceWorker.getRegistration();
    for (const one of (await registration?.getNotifications()) ?? []) one.close();
    await navigator.clearAppBadge?.();
    await (await registration?.pushManager?.getSubscription())?.unsubscribe();
}

/** The worker's registration, as soon as it runs. */
export function worker(): Promise<ServiceWorkerRegistration> {
    return navigator.serviceWorker.ready;
}
