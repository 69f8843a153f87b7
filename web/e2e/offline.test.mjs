// Without a network: the app opens to where it was, says so, keeps what is written, and recovers. And what is pushed.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { ask } from "./requests.mjs";
import { Stage, openPatient } from "./stage.mjs";
import { desktop, windows } from "./windows.mjs";

const stage = new Stage("offline");
const feature = stage.feature.bind(stage);
let nurse;
let doctor;

before(async () => {
    await stage.open();
    ({ nurse, doctor } = stage);
});
after(() => stage.close());

/** Waits until the service worker has what the app needs, and what was seen is kept. */
async function settled(window) {
    await window.page.evaluate(async () => {
        await navigator.serviceWorker.ready;
        while (!(await caches.match("/"))) await new Promise((resolve) => setTimeout(resolve, 100));
    });
    await window.page.evaluate(() => {
        Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
        delete document.visibilityState;
    });
    // What the clinical service said is written two seconds later.
    await window.page.waitForTimeout(3_000);
}

feature(
    "the app opens without a network, shows the last state, says so, and sends what was written",
    async () => {
        await nurse.write("Before the network went");
        await doctor.reads("Before the network went");
        await doctor.write("Seen, thank you");
        await nurse.reads("Seen, thank you");
        await settled(nurse);
        await nurse.context.setOffline(true);
        await nurse.page.reload();
        await nurse.page.getByRole("navigation", { name: "Places" }).waitFor();
        await nurse.reads("Before the network went");
        await nurse.reads("Seen, thank you");
        await nurse.shows(/^No connection\. You see how things stood at/);
        await nurse.look("50-offline-desktop");
        await nurse.goTo("On call");
        await nurse.shows("Medical registrar");
        await nurse.look("51-offline-on-call-desktop");
        await nurse.goTo("Chats");
        await nurse.page.getByRole("link", { name: /Okonkwo/i }).click();
        await nurse.write("Written without a network");
        await nurse.write("and this after it");
        await nurse.page.getByRole("img", { name: "Waiting for the connection" }).first().waitFor();
        // Killed before anything could be sent, and opened again.
        await nurse.page.close();
        await nurse.show(stage.server.url);
        await nurse.page.getByRole("link", { name: /Okonkwo/i }).click();
        await nurse.reads("and this after it");
        await nurse.context.setOffline(false);
        await doctor.reads("and this after it");
        const said = await doctor.page.locator(".bubble p.bubble__text").allTextContents();
        const mine = said.filter((words) => /^Written without|^and this/.test(words));
        assert.deepEqual(mine, ["Written without a network", "and this after it"], "once each, in order");
        await nurse.page.getByText(/^No connection/).waitFor({ state: "detached" });
    },
);

/** A push that comes to the doctor's phone, as the server would send it. */
async function pushing(window) {
    const session = await window.context.newCDPSession(window.page);
    const registered = new Promise((resolve) => {
        session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
            const found = registrations.find(({ scopeURL }) => scopeURL.startsWith(stage.server.url));
            if (found) resolve(found.registrationId);
        });
    });
    await session.send("ServiceWorker.enable");
    // Nobody looks at the app: the browser of the test would say otherwise of every page.
    await session.send("Emulation.setFocusEmulationEnabled", { enabled: false });
    return async (room, kind) =>
        session.send("ServiceWorker.deliverPushMessage", {
            origin: stage.server.url,
            registrationId: await registered,
            data: JSON.stringify({
                room_id: room,
                event_id: "$e",
                class: kind,
                counts: { unread: 3, conversations: 2 },
                sender_display_name: "Sister Grace Adeyemi",
                content: { body: "Mr Okonkwo is worse" },
            }),
        });
}

/** The notifications that are shown, once one of them is called `title`; `again` is done until then. */
async function shownWith({ page, context }, title, again) {
    for (let n = 0; n < 100; n++) {
        await again?.();
        const all = await page.evaluate(async () => {
            const registration = await navigator.serviceWorker.ready;
            const shown = await registration.getNotifications();
            return shown.map(({ title, body, tag, actions }) => ({
                title,
                body,
                tag,
                actions: actions.map(({ action }) => action),
            }));
        });
        if (all.some((one) => one.title === title)) return all;
        await page.waitForTimeout(100);
    }
    const [worker] = context.serviceWorkers();
    const focused = await worker.evaluate(async () =>
        (await clients.matchAll({ type: "window" })).filter((one) => one.focused).map(({ url }) => url),
    );
    return assert.fail(`a notification ${title}; the focus is on ${focused.join(" ") || "nothing"}`);
}

/** Presses a button of the one notification that is shown: in the worker, as the browser does. */
async function press({ context }, action) {
    const [worker] = context.serviceWorkers();
    await worker.evaluate(async (pressed) => {
        const [notification, ...more] = await registration.getNotifications();
        if (more.length > 0) throw new Error("one notification for each conversation");
        dispatchEvent(new NotificationEvent("notificationclick", { notification, action: pressed }));
    }, action);
}

/** No notification is shown any more. */
async function noneShown({ page }) {
    await page.waitForFunction(
        async () => {
            const registration = await navigator.serviceWorker.ready;
            return (await registration.getNotifications()).length === 0;
        },
        undefined,
        { polling: 100 },
    );
}

let push;
let other;

feature("a push shows how urgent it is and nothing else, once for a conversation", async () => {
    const { page, context } = doctor;
    await context.grantPermissions(["notifications"]);
    const room = decodeURIComponent(new URL(page.url()).pathname.split("/").at(-1));
    await doctor.page.getByRole("link", { name: "Back" }).click();
    push = await pushing(doctor);
    other = await context.newPage();
    await other.goto("about:blank");
    await other.bringToFront();
    // It may be a moment before the browser says that nobody looks: what comes before that is not shown.
    assert.deepEqual(await shownWith(doctor, "New message", () => push(room, "message")), [
        { title: "New message", body: "", tag: room, actions: [] },
    ]);
    await push(room, "urgent");
    const urgent = [{ title: "Urgent request", body: "", tag: room, actions: ["accept", "decline"] }];
    assert.deepEqual(await shownWith(doctor, "Urgent request"), urgent, "one for each conversation");
    // A message takes no request's place.
    await push(room, "message");
    await push("!elsewhere:riverside.example", "mention");
    const all = await shownWith(doctor, "You were mentioned");
    assert.deepEqual(
        all.filter(({ tag }) => tag === room),
        urgent,
    );
    await page.evaluate(async () => {
        const registration = await navigator.serviceWorker.ready;
        for (const shown of await registration.getNotifications()) shown.close();
    });
});

async function askUrgently(words) {
    const { page } = nurse;
    await ask(nurse, "Urgent", words, 30);
    const card = doctor.page.getByRole("alertdialog", { name: "Urgent request" });
    await card.waitFor();
    const room = decodeURIComponent(new URL(page.url()).pathname.split("/").at(-1));
    // What was pressed has given the app the focus: it goes elsewhere again.
    await doctor.page.bringToFront();
    await other.bringToFront();
    await shownWith(doctor, "Urgent request", () => push(room, "urgent"));
    return card;
}

feature("a request is accepted and declined from its notification", async () => {
    const { page } = nurse;
    const card = await askUrgently("Please look at his gas");
    await press(doctor, "accept");
    await card.waitFor({ state: "detached" });
    await page
        .getByText(/^Accepted by/)
        .first()
        .waitFor();
    await noneShown(doctor);
    assert.equal(new URL(doctor.page.url()).search, "");

    // Declined there, the reason is asked for here.
    await askUrgently("And at his drain");
    await press(doctor, "decline");
    const reason = doctor.page.getByRole("dialog", { name: "Decline" });
    await reason.getByLabel("Why can you not take it?").fill("In theatre until four");
    await reason.getByRole("button", { name: "Decline", exact: true }).click();
    await page
        .getByText(/In theatre until four/)
        .first()
        .waitFor({ state: "attached" });
    await card.waitFor({ state: "detached" });
});

feature("a notification goes when its request is answered on another device", async () => {
    const card = await askUrgently("And at his line");
    const elsewhere = await stage.person(stage.doctorUser, desktop);
    const there = elsewhere.page.getByRole("alertdialog", { name: "Urgent request" });
    await there.getByRole("button", { name: "Accept" }).click();
    await card.waitFor({ state: "detached" });
    await noneShown(doctor);
    await elsewhere.context.close();
    windows.splice(windows.indexOf(elsewhere), 1);
    await other.close();
    await doctor.page.bringToFront();
});

feature("a device tests itself", async () => {
    await nurse.page.getByRole("button", { name: /^Me:/ }).click();
    await nurse.page.getByRole("button", { name: "Test this device" }).click();
    await nurse.page.getByText(/^Connection: works/).waitFor();
    await nurse.page.getByText(/^Reading messages: works/).waitFor();
    await nurse.page.getByText(/^Notifications: are off/).waitFor();
    await nurse.look("52-self-test-desktop");
    await nurse.page.getByRole("dialog", { name: "Me" }).getByRole("button", { name: "Close" }).click();
    await openPatient(nurse);
});

feature(
    "the icon, the title and the list agree on what is unread, and so after reading on another device",
    async () => {
        const { page } = doctor;
        await doctor.goTo("Chats");
        await page.evaluate(() => {
            navigator.setAppBadge = async (count) => void (globalThis.badge = count);
            navigator.clearAppBadge = async () => void (globalThis.badge = 0);
        });
        const row = (family) =>
            page.getByRole("region", { name: "Chats" }).getByRole("link", { name: family });
        /** Waits until all say so many conversations. */
        const unread = async (count) => {
            const wanted = [
                count,
                count > 0 ? `(${count}) Wardline` : "Wardline",
                count,
                count > 0 ? String(count) : "",
            ];
            await page
                .waitForFunction(
                    (all) => {
                        const rows = document.querySelectorAll(
                            ".pane--list .row .unread:not(.unread--quiet)",
                        ).length;
                        const place =
                            document.querySelector('.places a[href="/chats"] .places__count')?.textContent ??
                            "";
                        const now = [globalThis.badge ?? 0, document.title, rows, place];
                        globalThis.saidUnread = JSON.stringify(now);
                        return JSON.stringify(now) === JSON.stringify(all);
                    },
                    wanted,
                    { timeout: 20_000 },
                )
                .catch(async () => {
                    assert.equal(await page.evaluate(() => globalThis.saidUnread), JSON.stringify(wanted));
                });
        };
        await unread(0);
        await nurse.write("Two for one conversation");
        await nurse.write("that is the second");
        await openPatient(nurse, "Hughes");
        await nurse.write("And one for another");
        await unread(2);
        await row(/Okonkwo/i)
            .getByText("2", { exact: true })
            .waitFor();
        await doctor.look("53-unread-phone-dark");

        // Both are told on the lock screen, once each; that goes with the reading, wherever it is done.
        const notifications = () =>
            page.evaluate(async () => {
                const registration = await navigator.serviceWorker.ready;
                return (await registration.getNotifications()).length;
            });
        const rooms = await page.evaluate(async () => {
            const registration = await navigator.serviceWorker.ready;
            for (const shown of await registration.getNotifications()) shown.close();
            const links = [...document.querySelectorAll(".pane--list .row:has(.unread)")];
            for (const { href } of links) {
                const roomId = decodeURIComponent(new URL(href).pathname.split("/").at(-1));
                const data = { roomId, class: "message" };
                await registration.showNotification("New message", { tag: roomId, data });
            }
            return links.length;
        });
        assert.deepEqual([rooms, await notifications()], [2, 2]);
        const other = await stage.person(stage.doctorUser, desktop);
        await openPatient(other);
        await other.reads("that is the second");
        await unread(1);
        await openPatient(other, "Hughes");
        await other.reads("And one for another");
        await unread(0);
        await page.waitForFunction(async () => {
            const registration = await navigator.serviceWorker.ready;
            return (await registration.getNotifications()).length === 0;
        });
        await other.context.close();
        windows.splice(windows.indexOf(other), 1);
    },
);

feature("words stand in a notification only where the hospital allows them", async () => {
    const { page } = doctor;
    const unseen = () =>
        page.evaluate(() =>
            Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true }),
        );
    await unseen();
    await openPatient(nurse);
    await nurse.write("Not for the lock screen");
    await doctor.shows("Not for the lock screen");
    await page.route("**/_wardline/client/v1/policy", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...(await response.json()), notification_text: true } });
    });
    const asked = page.waitForResponse(/\/v1\/policy$/);
    await page.reload();
    await asked;
    await unseen();
    const shown = await shownWith(doctor, "Sister Grace Adeyemi", () => nurse.write("For the lock screen"));
    assert.deepEqual(
        shown.map(({ body }) => body),
        ["For the lock screen"],
    );
    await page.evaluate(() => delete document.visibilityState);
});
