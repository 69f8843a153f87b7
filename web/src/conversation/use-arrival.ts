import type { Room } from "matrix-js-sdk";
import { useEffect, useState } from "react";
import type { TimelineItem } from "../matrix/timeline.ts";
import { setOut, travel } from "./arrival.ts";
import { focusMessage, messageIn, type Jump } from "./jump.ts";
import { sightOf, type Scroll } from "./use-scroll.ts";

/** A row of the conversation: something said, or something that is still to be sent. */
interface Row {
    key: string;
    item?: TimelineItem;
    /** An earlier conversation of the same patient, in which it was said. */
    of?: Room;
}

/** How long what was fetched takes at most to be drawn. */
const LOST_MS = 3_000;

/** These move the list by the reader's own hand: then they are where they want to be. */
const byHand = ["wheel", "touchmove", "keydown"] as const;

function isAt({ item, of }: Row, eventId: string, from: number | undefined): boolean {
    if (!item) return false;
    if (from !== undefined) return of === undefined && item.kind !== "day" && item.at >= from;
    return (
        item.key === eventId || (item.kind === "thread" && item.replies.some((one) => one.key === eventId))
    );
}

/**
 * Goes where somebody wants to go, frame by frame until the row stands there and stays, and puts the focus on it; gives the thread
 * that must be open for it.
 */
export function useArrival(
    rows: readonly Row[],
    { target, arrived }: Jump,
    { toRow, container }: Scroll,
): string | undefined {
    const [thread, setThread] = useState<string>();
    useEffect(() => {
        const list = container.current;
        if (!target || !list) return undefined;
        const index = rows.findIndex((row) => isAt(row, target.eventId, target.from));
        const row = rows[index];
        if (!row) {
            // What was fetched is drawn in a moment; what is not there even then is not drawn at all.
            const timer = setTimeout(arrived, LOST_MS);
            return () => clearTimeout(timer);
        }
        const align = target.from === undefined ? "center" : "start";
        const inThread = row.item?.kind === "thread" ? row.item.root : undefined;
        let journey = setOut;
        const step = (): void => {
            setThread(inThread);
            const box = list.querySelector(`[data-row="${CSS.escape(row.key)}"]`);
            // In a thread it is one of its answers, once that is open.
            const wanted = inThread === undefined ? box : messageIn(list, target.eventId);
            const { journey: further, next } = travel(journey, sightOf(list, wanted), align);
            journey = further;
            if (next === "arrived" || next === "lost") {
                focusMessage(list, target.from === undefined ? target.eventId : row.key);
                arrived();
                return;
            }
            if (next === "scroll") toRow(index, align, fromMiddle(box, wanted));
            frame = requestAnimationFrame(step);
        };
        let frame = requestAnimationFrame(step);
        for (const moved of byHand) list.addEventListener(moved, arrived, { passive: true });
        return () => {
            cancelAnimationFrame(frame);
            for (const moved of byHand) list.removeEventListener(moved, arrived);
        };
    }, [target, rows, toRow, arrived, container]);
    return thread;
}

/** How far the middle of a part is below the middle of the whole, in pixels. */
function fromMiddle(whole: Element | null, part: Element | null): number {
    if (!whole || !part || whole === part) return 0;
    const middle = (element: Element): number => {
        const { top, height } = element.getBoundingClientRect();
        return top + height / 2;
    };
    return middle(part) - middle(whole);
}
