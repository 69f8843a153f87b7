/** What must work on a device before somebody relies on it for a shift. */
import type { MatrixClient } from "matrix-js-sdk";
import { isSubscribed } from "./subscribe.ts";

export const checked = ["connection", "encryption", "notifications", "sound"] as const;

export interface Check {
    what: (typeof checked)[number];
    ok: boolean;
}

/** Plays a short tone; `false` when the browser does not let it be heard. */
async function tone(): Promise<boolean> {
    const context = new AudioContext();
    try {
        if (context.state !== "running") await context.resume();
        const oscillator = context.createOscillator();
        const gain = context.createGain();
        gain.gain.value = 0.1;
        oscillator.connect(gain).connect(context.destination);
        oscillator.start();
        oscillator.stop(context.currentTime + 0.3);
        await new Promise((resolve) => {
            oscillator.onended = resolve;
        });
        return true;
    } finally {
        await context.close();
    }
}

async function works(test: () => Promise<boolean>): Promise<boolean> {
    try {
        return await test();
    } catch {
        return false;
    }
}

/** Tries each, one after the other. */
export async function check(client: MatrixClient): Promise<Check[]> {
    const tests: Record<Check["what"], () => Promise<boolean>> = {
        connection: async () => (await client.whoami()).user_id === client.getUserId(),
        encryption: async () => (await client.getCrypto()?.isCrossSigningReady()) === true,
        notifications: async () => Notification.permission === "granted" && (await isSubscribed()),
        sound: tone,
    };
    const checks: Check[] = [];
    for (const what of checked) checks.push({ what, ok: await works(tests[what]) });
    return checks;
}
