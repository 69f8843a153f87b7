import { useEffect } from "react";
import type { Policy } from "./policy.ts";
import { lockNow } from "./session.ts";
import { isShared } from "./shared.ts";
import { useSession } from "./store.ts";

const LOOK_EVERY_MS = 2_000;

/** What the hospital allows of a device that is left alone. */
type Limits = Pick<Policy, "lock" | "lock_idle_seconds" | "lock_background_seconds">;

/** Nobody talks before there are calls. */
export const nobodyTalks = (): boolean => false;

/**
 * Locks after a while without a touch, and sooner in the background. A shared computer signs out instead. While `talking` says so,
 * somebody is there without a touch; it is the same function in every drawing.
 */
export function useAutoLock(limits: Limits, talking: () => boolean): void {
    const pin = useSession((session) => session.pin === true);
    const { lock, lock_idle_seconds: idle, lock_background_seconds: background } = limits;
    useEffect(() => {
        if (!isShared() && (!pin || lock === "off")) return undefined;
        let touched = Date.now();
        let hidden = document.visibilityState === "hidden" ? Date.now() : undefined;
        const look = (): void => {
            const now = Date.now();
            if (talking()) {
                touched = now;
                if (hidden !== undefined) hidden = now;
                return;
            }
            const away = hidden !== undefined && !isShared() && now - hidden >= background * 1000;
            if (away || now - touched >= idle * 1000) void lockNow();
        };
        const touch = (): void => {
            // A touch that comes late must not pass for one in time: a sleeping device runs no timers.
            look();
            touched = Date.now();
        };
        const change = (): void => {
            look();
            hidden = document.visibilityState === "hidden" ? Date.now() : undefined;
        };
        const events = ["pointerdown", "keydown", "wheel", "touchstart"] as const;
        for (const event of events) window.addEventListener(event, touch, { capture: true, passive: true });
        document.addEventListener("visibilitychange", change);
        const timer = setInterval(look, LOOK_EVERY_MS);
        return () => {
            for (const event of events) window.removeEventListener(event, touch, { capture: true });
            document.removeEventListener("visibilitychange", change);
            clearInterval(timer);
        };
    }, [pin, lock, idle, background, talking]);
}
