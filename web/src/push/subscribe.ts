/** This browser's subscription to Web Push, and the pusher at our server that uses it (MSC4174). */
import * as v from "valibot";
import { worker } from "./worker.ts";

const APP_ID = "org.wardline.web";

const CapabilitiesSchema = v.object({
    capabilities: v.object({
        "org.matrix.msc4174.webpush": v.optional(v.object({ enabled: v.boolean(), vapid: v.string() })),
    }),
});

type Authorised = typeof globalThis.fetch;

export class PushRefused extends Error {}

async function json(response: Response): Promise<unknown> {
    if (!response.ok) throw new Error(`push ${response.status}`);
    return response.json();
}

function post(body: object): RequestInit {
    return {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
    };
}

/** Whether this browser is subscribed. */
export async function isSubscribed(): Promise<boolean> {
    if (!("PushManager" in globalThis) || !("serviceWorker" in navigator)) return false;
    const registration = await navigator.serviceWorker.getRegistration();
    return (await registration?.pushManager.getSubscription()) != null;
}

/** Subscribes this browser and tells the server. Throws `PushRefused` when the person or the browser does not allow it. */
export async function subscribe(authorised: Authorised, device: string, language: string): Promise<void> {
    if ((await Notification.requestPermission()) !== "granted") throw new PushRefused("not allowed");
    const known = v.parse(
        CapabilitiesSchema,
        await json(await authorised("/_matrix/client/v3/capabilities")),
    );
    const push = known.capabilities["org.matrix.msc4174.webpush"];
    if (push?.enabled !== true) throw new Error("the server does not push");
    const registration = await worker();
    const subscription = await registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: push.vapid,
    });
    await setPusher(authorised, subscription.toJSON(), device, language);
}

async function setPusher(
    authorised: Authorised,
    subscription: PushSubscriptionJSON,
    device: string,
    language: string,
): Promise<void> {
    const { endpoint, keys } = subscription;
    if (endpoint === undefined || !keys?.["p256dh"] || !keys["auth"]) throw new PushRefused("no keys");
    const pusher = {
        kind: "webpush",
        app_id: APP_ID,
        pushkey: keys["p256dh"],
        app_display_name: "Wardline",
        device_display_name: device,
        lang: language,
        data: { url: endpoint, auth: keys["auth"], format: "event_id_only" },
        append: false,
    };
    await json(await authorised("/_matrix/client/v3/pushers/set", post(pusher)));
}

/** Tells the server that pushes arrive here. */
export async function acknowledge(authorised: Authorised, token: string): Promise<void> {
    await json(
        await authorised("/_matrix/client/v3/pushers/ack", post({ app_id: APP_ID, ack_token: token })),
    );
}

/** Ends the subscription, here and at the server. */
export async function unsubscribe(authorised: Authorised): Promise<void> {
    const registration = await worker();
    const subscription = await registration.pushManager.getSubscription();
    const key = subscription?.toJSON().keys?.["p256dh"];
    await subscription?.unsubscribe();
    if (key === undefined) return;
    await json(
        await authorised(
            "/_matrix/client/v3/pushers/set",
            post({ kind: null, app_id: APP_ID, pushkey: key }),
        ),
    );
}
