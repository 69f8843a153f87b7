// Calls between two people, with a TURN server in the configuration: ringing, talking, holding, missed, declined, with pictures, both at
// once, and by way of the TURN server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Stage } from "./stage.mjs";
import { Window, desktop, medicalRegistrar, openBrowser, phone } from "./windows.mjs";

const SECRET = "a secret of the two servers";
const stage = new Stage("calls");
const feature = stage.feature.bind(stage);
const { server } = stage;
let browser;
let turn;
let nurse;
let doctor;
let doctorName;
let doctorUser;
const nurseName = "Sister Grace Adeyemi";

before(async () => {
    // Fill the hospital, then serve it with a TURN server in its configuration.
    await server.start();
    await server.stop();
    const port = await server.freePort();
    turn = spawn("turnserver", [
        "-n",
        "--no-tls",
        "--no-dtls",
        "--no-cli",
        "--listening-ip=127.0.0.1",
        "--relay-ip=127.0.0.1",
        "--allow-loopback-peers",
        `--listening-port=${port}`,
        "--realm=riverside.example",
        "--use-auth-secret",
        `--static-auth-secret=${SECRET}`,
        "--log-file=stdout",
        `--pidfile=${join(server.data, "turn.pid")}`,
    ]);
    turn.stdout.resume();
    turn.stderr.resume();
    writeFileSync(join(server.data, "turn-secret"), `${SECRET}\n`);
    const lines = [
        'server_name = "riverside.example"',
        `data = ${JSON.stringify(server.data)}`,
        "[accounts]",
        "password_login = true",
        "[limits]",
        "rates = false",
        "[voip]",
        `turn_uris = ["turn:127.0.0.1:${port}?transport=udp"]`,
        'turn_secret_file = "turn-secret"',
    ];
    const file = join(server.data, "calls.toml");
    writeFileSync(file, lines.join("\n"));
    await server.serve(file, server.address);
    browser = await openBrowser();
    nurse = await Window.open(browser, server.url, desktop);
    doctor = await Window.open(browser, server.url, { ...phone, colorScheme: "dark" });
    for (const { page } of [nurse, doctor]) await watch(page);
    await nurse.signIn("grace.adeyemi");
    const registrar = await medicalRegistrar(nurse);
    doctorName = registrar.name;
    doctorUser = registrar.user;
    await doctor.signIn(registrar.user);
    await nurse.goTo("Chats");
    await nurse.page.getByRole("button", { name: "New conversation" }).click();
    await nurse.page
        .getByRole("dialog")
        .getByRole("button", { name: new RegExp(doctorName) })
        .first()
        .click();
    await nurse.write("May I call you?");
    await doctor.goTo("Chats");
    await doctor.page
        .getByRole("button", { name: /^(Accept|Join)/ })
        .first()
        .click();
    await doctor.reads("May I call you?");
});
after(async () => {
    await browser?.close();
    turn?.kill();
    await server.stop();
    server.remove();
});

/** Keeps the connections of a page, and lets a test say how they may be made. */
async function watch(page) {
    await page.addInitScript(() => {
        globalThis.connections = [];
        const Plain = RTCPeerConnection;
        globalThis.RTCPeerConnection = class extends Plain {
            constructor(config) {
                const policy =
                    sessionStorage.getItem("relay-only") === "yes" ? "relay" : config?.iceTransportPolicy;
                super({ ...config, ...(policy && { iceTransportPolicy: policy }) });
                globalThis.connections.push(this);
            }
        };
    });
    await page.reload();
}

/** What this window has heard and seen of the other: bytes of sound, frames of picture, and how it reaches it. */
function received({ page }) {
    return page.evaluate(async () => {
        // Where both called at once there is one more, which came to nothing.
        const used = globalThis.connections.findLast((one) => one.connectionState === "connected");
        const stats = used ? [...(await used.getStats()).values()] : [];
        const inbound = (kind) => stats.find((one) => one.type === "inbound-rtp" && one.kind === kind);
        const pair = stats.find(
            (one) => one.type === "candidate-pair" && one.state === "succeeded" && one.nominated,
        );
        return {
            sound: inbound("audio")?.bytesReceived ?? 0,
            frames: inbound("video")?.framesDecoded ?? 0,
            by: stats.find((one) => one.id === pair?.localCandidateId)?.candidateType,
        };
    });
}

/** Waits until more of `what` has come than `than`. */
async function hears(window, what = "sound", than = 0) {
    for (let n = 0; n < 150; n++) {
        const now = await received(window);
        if (now[what] > than) return now;
        await window.page.waitForTimeout(200);
    }
    return assert.fail(`${what} of the other`);
}

const ringing = (window, words) => window.page.getByRole("alertdialog", { name: words });
const inCall = (window, name) => window.page.getByRole("region", { name: `Call with ${name}` });

/** Waits until the conversation says what became of a call. */
async function told(window, words) {
    await window.page.getByRole("log").locator(".system").getByText(words).last().waitFor();
}

/** Waits until the clock of a call runs. */
async function talks(window, name) {
    await inCall(window, name).getByRole("timer").waitFor();
}

async function hangUp(window, name) {
    await inCall(window, name).getByRole("button", { name: "Hang up" }).click();
}

async function over() {
    await Promise.all([
        inCall(nurse, doctorName).waitFor({ state: "detached" }),
        inCall(doctor, nurseName).waitFor({ state: "detached" }),
    ]);
}

feature("a voice call rings, is answered, heard, muted, held, made small, and ended", async () => {
    await nurse.page.getByRole("button", { name: `Call ${doctorName}` }).click();
    const asked = ringing(doctor, `${nurseName} is calling`);
    await asked.waitFor();
    await inCall(nurse, doctorName).getByText("Ringing").waitFor();
    await doctor.look("120-call-incoming");
    await asked.getByRole("button", { name: "Answer", exact: true }).click();
    await Promise.all([talks(nurse, doctorName), talks(doctor, nurseName)]);
    await Promise.all([hears(nurse), hears(doctor)]);
    await nurse.look("121-call-voice");

    const call = inCall(nurse, doctorName);
    await call.getByRole("button", { name: "Mute" }).click();
    await call.getByRole("button", { name: "Unmute" }).waitFor();
    await call.getByRole("button", { name: "Unmute" }).click();
    await call.getByRole("button", { name: "Devices" }).click();
    const devices = nurse.page.getByRole("dialog", { name: "Microphone, camera and speaker" });
    const microphone = devices.getByLabel("Microphone", { exact: true });
    await microphone.locator("option").nth(1).waitFor({ state: "attached" });
    await microphone.selectOption({ index: 1 });
    await nurse.look("122-call-devices");
    await devices.getByRole("button", { name: "Close" }).click();

    await call.getByRole("button", { name: "Hold" }).click();
    await call.getByText("On hold", { exact: true }).first().waitFor();
    await inCall(doctor, nurseName).getByText("You are on hold").first().waitFor();
    await call.getByRole("button", { name: "Resume" }).click();
    await talks(doctor, nurseName);
    const before = await received(doctor);
    await hears(doctor, "sound", before.sound + 500);

    // Made small, there is something else to do meanwhile.
    await call.getByRole("button", { name: "Make the call small" }).click();
    await nurse.write("I write while we talk");
    await doctor.page.getByRole("button", { name: "Make the call small" }).click();
    await doctor.reads("I write while we talk");
    await nurse.look("123-call-small");
    await hangUp(nurse, doctorName);
    await over();
    await told(nurse, /^Voice call: \d+:\d\d/);
    await told(doctor, /^Voice call: \d+:\d\d/);
});

feature(
    "a call that nobody takes is missed, one that is declined says so, and neither counts as messages",
    async () => {
        await nurse.page.getByRole("button", { name: `Call ${doctorName}` }).click();
        await ringing(doctor, `${nurseName} is calling`).waitFor();
        await hangUp(nurse, doctorName);
        await ringing(doctor, `${nurseName} is calling`).waitFor({ state: "detached" });
        await told(doctor, /^Missed voice call/);
        await told(nurse, "Voice call: no answer");
        await doctor.look("124-call-missed");

        await nurse.page.getByRole("button", { name: `Call ${doctorName}` }).click();
        await ringing(doctor, `${nurseName} is calling`).getByRole("button", { name: "Decline" }).click();
        await inCall(nurse, doctorName).getByText("Declined").waitFor();
        await over();
        await told(nurse, "Voice call: declined");
    },
);

feature("a second device rings too, and stops when the first has answered", async () => {
    const second = await Window.open(browser, server.url, desktop);
    // It is a device of its own, and the nurse's knows it: what is said now is encrypted for it too.
    let device;
    second.page.on("request", (request) => {
        if (request.url().endsWith("/keys/upload")) device ??= request.postDataJSON()?.device_keys?.device_id;
    });
    const known = nurse.page.waitForResponse(async (response) => {
        if (device === undefined || !response.url().endsWith("/keys/query")) return false;
        const { device_keys: users } = await response.json();
        const keys = Object.values(users ?? {}).flatMap((devices) => devices[device] ?? []);
        return keys.some(({ signatures }) => Object.keys(Object.values(signatures)[0]).length > 1);
    });
    await second.signIn(doctorUser);
    await second.goTo("Chats");
    await known;
    await nurse.page.getByRole("button", { name: `Call ${doctorName}` }).click();
    await Promise.all([
        ringing(doctor, `${nurseName} is calling`).waitFor(),
        ringing(second, `${nurseName} is calling`).waitFor(),
    ]);
    await ringing(doctor, `${nurseName} is calling`)
        .getByRole("button", { name: "Answer", exact: true })
        .click();
    await ringing(second, `${nurseName} is calling`).waitFor({ state: "detached" });
    await talks(nurse, doctorName);
    await hangUp(nurse, doctorName);
    await over();
    await second.page.close();
});

feature("a video call is seen on both sides, and the camera can be put away", async () => {
    await doctor.page.getByRole("button", { name: `Video call with ${nurseName}` }).click();
    const asked = ringing(nurse, `${doctorName} asks for a video call`);
    await asked.getByRole("button", { name: "Answer with video" }).click();
    await Promise.all([talks(nurse, doctorName), talks(doctor, nurseName)]);
    await Promise.all([hears(nurse, "frames", 2), hears(doctor, "frames", 2)]);
    await nurse.page.getByLabel(`The picture of ${doctorName}`).waitFor();
    await doctor.look("125-call-video");

    // The picture of the other floats above everything else, and comes back.
    const float = nurse.page.getByRole("button", { name: "Float the picture" });
    await float.click();
    await nurse.page.waitForFunction(() => document.pictureInPictureElement !== null);
    await hears(nurse, "frames", (await received(nurse)).frames);
    await float.click();
    await nurse.page.waitForFunction(() => document.pictureInPictureElement === null);

    await inCall(doctor, nurseName).getByRole("button", { name: "Camera off" }).click();
    await nurse.page.getByLabel(`The picture of ${doctorName}`).waitFor({ state: "hidden" });
    await hangUp(doctor, nurseName);
    await over();
});

feature("who both call at once are in one call, and nobody missed anything", async () => {
    const marker = "Let us both call now";
    await nurse.write(marker);
    await doctor.reads(marker);
    await Promise.all([
        nurse.page.getByRole("button", { name: `Call ${doctorName}` }).click(),
        doctor.page.getByRole("button", { name: `Call ${nurseName}` }).click(),
    ]);
    // Whoever was so much slower that the other one rang first is asked; in the end both are in the same call.
    const joins = async ({ page }, name) => {
        const answer = page.getByRole("alertdialog").getByRole("button", { name: "Answer", exact: true });
        const clock = inCall({ page }, name).getByRole("timer");
        do {
            await answer.or(clock).first().waitFor();
            // It may have been answered by itself meanwhile.
            if (await answer.isVisible()) await answer.click({ timeout: 1000 }).catch(() => undefined);
        } while (!(await clock.isVisible()));
    };
    await Promise.all([joins(nurse, doctorName), joins(doctor, nurseName)]);
    await Promise.all([hears(nurse), hears(doctor)]);
    await hangUp(doctor, nurseName);
    await over();
    for (const window of [nurse, doctor]) {
        const lines = () =>
            window.page.getByRole("log").evaluate(
                (log, from) =>
                    log.innerText
                        .split(from)
                        .at(-1)
                        .match(/^.*voice call.*$/gimu) ?? [],
                marker,
            );
        while ((await lines()).length === 0) await window.page.waitForTimeout(200);
        assert.match(
            (await lines()).join(),
            /^Voice call: \d+:\d\d[^,]*$/u,
            "one call, and it was not missed",
        );
    }
});

feature("where nothing but the relay is reachable, the call goes by way of it", async () => {
    for (const { page } of [nurse, doctor])
        await page.evaluate(() => sessionStorage.setItem("relay-only", "yes"));
    await nurse.page.getByRole("button", { name: `Call ${doctorName}` }).click();
    await ringing(doctor, `${nurseName} is calling`)
        .getByRole("button", { name: "Answer", exact: true })
        .click();
    await Promise.all([talks(nurse, doctorName), talks(doctor, nurseName)]);
    const [one, other] = await Promise.all([hears(nurse), hears(doctor)]);
    assert.deepEqual([one.by, other.by], ["relay", "relay"]);
    await hears(doctor, "sound", other.sound + 500);
    // Whom the TURN server lets in says until when.
    const { username } = await nurse.page.evaluate(() =>
        globalThis.connections.at(-1).getConfiguration().iceServers.at(-1),
    );
    const ttl = Number(username.split(":")[0]) - Date.now() / 1000;
    assert.match(username, /^\d+:@grace\.adeyemi:/);
    assert.ok(ttl > 0 && ttl <= 86_400, `for ${ttl} seconds`);
    await hangUp(nurse, doctorName);
    await over();
});
