import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { useNow } from "../ui/parts.tsx";
import { countdown } from "./model.ts";

/** A live clock to a deadline. Not a live region: a screen reader reads it when asked, not every second. */
export function Countdown({ to }: { to: number }): JSX.Element {
    const { overdue, minutes, seconds } = countdown(to, useNow());
    const words = overdue ? t.time.over(minutes) : t.time.left(minutes, seconds);
    return (
        <span className={overdue ? "countdown countdown--over" : "countdown"} role="timer" aria-live="off">
            {words}
        </span>
    );
}
