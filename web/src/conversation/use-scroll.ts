import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import type { VirtualizerHandle } from "virtua";
import { afterResize, afterScroll, atItsEnd, shifted, type Align, type Ends, type Sight } from "./arrival.ts";

/** Nothing has changed its height for this long: everything is measured. */
const SETTLED_MS = 200;

/** A list that is pushed by hand goes on by itself for so long at most until it is seen that it left its end. */
const HAND_MS = 1_000;

/** By what a reader moves a list. */
const HANDS = ["wheel", "touchmove", "pointerdown", "keydown"] as const;

export interface Scroll {
    container: RefObject<HTMLDivElement | null>;
    list: RefObject<VirtualizerHandle | null>;
    atEnd: boolean;
    toEnd: () => void;
    /** Brings a row, or what is `offset` pixels from its place, to the start or the middle. */
    toRow: (index: number, align: Align, offset: number) => void;
    onScroll: () => void;
    onResize: () => void;
}

/** Whether older items came above, and nothing else changed: then the view stays where it is, seen from the end. */
export function useShift(ends: Ends): boolean {
    const [known, setKnown] = useState({ ends, shift: false });
    const before = known.ends;
    if (before.first !== ends.first || before.last !== ends.last || before.count !== ends.count)
        setKnown({ ends, shift: shifted(before, ends) });
    return known.shift;
}

/** What is seen of the list, and of an element in it. */
export function sightOf(container: HTMLElement, element: Element | null): Sight {
    const { scrollTop, scrollHeight, clientHeight } = container;
    const box =
        element?.checkVisibility({ visibilityProperty: true }) === true && element.getBoundingClientRect();
    return {
        height: clientHeight,
        above: scrollTop,
        below: scrollHeight - clientHeight - scrollTop,
        row: box ? { top: box.top - container.getBoundingClientRect().top, height: box.height } : undefined,
    };
}

/**
 * Keeps a conversation where the reader expects it: at the end while they are at the end, whatever grows. `count` is the
 * number of rows, `unread` the row where reading begins, `going` whether somebody is on their way to a row, `reachedTop` asks for
 * older ones.
 */
export function useScroll(count: number, unread: number, going: boolean, reachedTop: () => void): Scroll {
    const container = useRef<HTMLDivElement>(null);
    const list = useRef<VirtualizerHandle>(null);
    const stick = useRef(true);
    const underWay = useRef(going);
    /** When something changed its height, and when the reader moved the list by hand, as `performance.now()` has it. */
    const seen = useRef({ height: 0, begun: false, resized: -Infinity, touched: -Infinity });
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

    const toRow = useCallback((index: number, align: Align, offset: number) => {
        stick.current = false;
        list.current?.scrollToIndex(index, { align, offset });
    }, []);

    const onScroll = useCallback((): void => {
        const element = container.current;
        if (!element) return;
        const { height, resized, touched } = seen.current;
        const now = performance.now();
        const measuring = now - resized < SETTLED_MS && now - touched > HAND_MS;
        const hold = afterScroll(stick.current, height, element, { going: underWay.current, measuring });
        seen.current.height = element.scrollHeight;
        stick.current = hold.stick;
        if (hold.toEnd) {
            element.scrollTop = element.scrollHeight;
            return;
        }
        if (!underWay.current) setAtEnd(hold.stick);
        if (hold.earlier) onTop.current();
    }, []);

    const onResize = useCallback((): void => {
        const element = container.current;
        if (!element) return;
        const hold = afterResize(stick.current, element, underWay.current);
        stick.current = hold.stick;
        if (hold.toEnd) element.scrollTop = element.scrollHeight;
        else {
            // What fits the screen is at its end without a scroll, once everything is measured.
            clearTimeout(settling.current);
            settling.current = setTimeout(() => {
                if (underWay.current || !atItsEnd(element)) return;
                stick.current = true;
                setAtEnd(true);
            }, SETTLED_MS);
        }
        if (hold.earlier) onTop.current();
        seen.current.height = element.scrollHeight;
        seen.current.resized = performance.now();
    }, []);

    useLayoutEffect(() => {
        const ended = underWay.current && !going;
        underWay.current = going;
        if (going) {
            stick.current = false;
            // Whoever goes somewhere does not want to begin where they left off.
            seen.current.begun = true;
        } else if (ended) onScroll();
    }, [going, onScroll]);

    useLayoutEffect(() => {
        const element = container.current;
        if (!element) return;
        if (unread >= 0 && !seen.current.begun) {
            seen.current.begun = true;
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
        const touch = (): void => void (seen.current.touched = performance.now());
        for (const by of HANDS) element.addEventListener(by, touch, { passive: true });
        return () => {
            observer.disconnect();
            for (const by of HANDS) element.removeEventListener(by, touch);
            clearTimeout(settling.current);
        };
    }, [onResize]);

    return { container, list, atEnd, toEnd, toRow, onScroll, onResize };
}
