import type { MatrixEvent } from "matrix-js-sdk";
import { t } from "../i18n/index.ts";
import { minutes } from "../voice/waveform.ts";
import { isVideo, outcome, type CallTrace } from "./rules.ts";

function trace(event: MatrixEvent): CallTrace {
    return {
        type: event.getType(),
        sender: event.getSender() ?? "",
        at: event.getTs(),
        content: event.getContent(),
    };
}

function* after(events: readonly MatrixEvent[], index: number): Generator<CallTrace> {
    for (let at = index + 1; at < events.length; at++) {
        const event = events[at];
        if (event) yield trace(event);
    }
}

/** Whether the call that the event at `index` began still rings or goes on, as far as is known here. */
export function isOpen(events: readonly MatrixEvent[], index: number, me: string): boolean {
    const event = events[index];
    return event !== undefined && outcome(trace(event), after(events, index), me, Date.now()).what === "open";
}

/** The line of the call that the event at `index` began. */
export function callLine(events: readonly MatrixEvent[], index: number, me: string): string | undefined {
    const event = events[index];
    if (!event) return undefined;
    const invite = trace(event);
    const kind = isVideo(invite.content) ? t.calls.video : t.calls.voice;
    const became = outcome(invite, after(events, index), me, Date.now());
    switch (became.what) {
        case "lasted":
            return t.calls.line(kind, t.calls.lasted(minutes(became.milliseconds)));
        case "missed":
            return t.calls.missed(kind);
        case "unanswered":
            return t.calls.line(kind, t.calls.noAnswer);
        case "declined":
            return t.calls.line(kind, t.calls.declined);
        case "open":
            return kind;
        case "replaced":
            return undefined;
    }
}
