import type { Policy } from "./policy.ts";

/** What holds until the server has said otherwise: the careful choice of each. */
export const careful: Policy = {
    forward: false,
    notification_text: false,
    lock: "offered",
    lock_idle_seconds: 300,
    lock_background_seconds: 60,
    lock_attempts: 10,
};
