import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import type { VirtualizerHandle } from "virtua";

/** This close to the end counts as being at it. */
const NEAR_END_PX = 48;
/** This close to the start older messages are asked for. */
const NEAR_START_PX = 600;
/** Nothing has changed its height for this long: everything is measured. */
const SETTLED_MS = 200;

export interface Scroll {
    container: RefObject<HTMLDivElement | null>;
    list: RefObject<VirtualizerHandle | null>;
    atEnd: boolean;
    toEnd: () => void;
    /** Brings a row to the middle, and holds on to nothing else. */
    toRow: (index: number, align: "start" | "center") => void;
    onScroll: () => void;
    onResize: () => void;
}

/** Older items came above, and nothing else changed: then the view stays where it is, seen from the end. */
export function useShift(first: string | undefined, last: string | undefined): boolean {
    const [ends, setEnds] = useState({ first, last, shift: false });
    if (ends.first !== first || ends.last !== last)
        setEnds({ first, last, shift: ends.last === last && ends.first !== undefined });
    return ends.shift;
}

/**
 * Keeps a conversation where the reader expects it: at the end while they are at the end, whatever grows. `count` is the
 * number of rows, `unread` the row where reading begins, `reachedTop` asks for older ones.
 */
export function useScroll(count: number, unread: number, reachedTop: () => void): Scroll {
    const container = useRef<HTMLDivElement>(null);
    const list = useRef<VirtualizerHandle>(null);
    const stick = useRef(true);
    const seen = useRef({ height: 0, unread: -1 });
    const settling = useRef<ReturnType<typeof setTimeout>>(undefined);
    const [atEnd, setAtEnd] = useState(unread < 0);
    const onTop = useRef(reachedTop);
    const rows = useRef(count);
    useEffect(() => {
        onTop.current = reachedTop;
        rows.current = count;
    }, [reachedTop, count]);

    const toEnd = useCallback(() => {
        const element = container.current;
        if (!element) return;
        stick.current = true;
        setAtEnd(true);
        // By way of the list too: it may still be on its way to where somebody wanted to go before.
        list.current?.scrollToIndex(rows.current - 1, { align: "end" });
        element.scrollTop = element.scrollHeight;
    }, []);

    const toRow = useCallback((index: number, align: "start" | "center") => {
        stick.current = false;
        list.current?.scrollToIndex(index, { align });
    }, []);

    const onScroll = useCallback((): void => {
        const element = container.current;
        if (!element) return;
        const left = element.scrollHeight - element.scrollTop - element.clientHeight;
        const grown = element.scrollHeight !== seen.current.height;
        seen.current.height = element.scrollHeight;
        // What moved because something grew was not moved by the reader.
        if (stick.current && grown && left >= NEAR_END_PX) {
            element.scrollTop = element.scrollHeight;
            return;
        }
        stick.current = left < NEAR_END_PX;
        setAtEnd(stick.current);
        if (element.scrollTop < NEAR_START_PX) onTop.current();
    }, []);

    const onResize = useCallback((): void => {
        const element = container.current;
        if (!element) return;
        if (stick.current) element.scrollTop = element.scrollHeight;
        else {
            // What fits the screen is at its end without a scroll, once everything is measured.
            clearTimeout(settling.current);
            settling.current = setTimeout(() => {
                const left = element.scrollHeight - element.scrollTop - element.clientHeight;
                if (left >= NEAR_END_PX) return;
                stick.current = true;
                setAtEnd(true);
            }, SETTLED_MS);
        }
        // What does not fill the screen cannot be scrolled to ask for more.
        if (element.scrollHeight <= element.clientHeight + NEAR_START_PX / 2) onTop.current();
        seen.current.height = element.scrollHeight;
    }, []);

    useLayoutEffect(() => {
        const element = container.current;
        if (!element) return;
        if (unread >= 0 && seen.current.unread < 0) {
            seen.current.unread = unread;
            stick.current = false;
            list.current?.scrollToIndex(unread, { align: "start" });
        } else if (stick.current) element.scrollTop = element.scrollHeight;
    }, [count, unread]);

    useEffect(() => {
        const element = container.current;
        if (!element) return undefined;
        const observer = new ResizeObserver(onResize);
        observer.observe(element);
        // The list itself: its height is right only once what was measured has been drawn.
        const inner = element.querySelector("ol");
        if (inner) observer.observe(inner);
        return () => {
            observer.disconnect();
            clearTimeout(settling.current);
        };
    }, [onResize]);

    return { container, list, atEnd, toEnd, toRow, onScroll, onResize };
}
