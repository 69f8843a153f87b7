import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

/** This close to the end counts as being at it. */
const NEAR_END_PX = 48;

export interface Scroll {
    container: RefObject<HTMLDivElement | null>;
    content: RefObject<HTMLOListElement | null>;
    atEnd: boolean;
    toEnd: () => void;
}

/**
 * Keeps a conversation where the reader expects it: at the end while they are at the end, whatever grows; and on the same
 * message when older ones appear above. `firstKey` names the oldest item drawn, `reachedTop` asks for older ones.
 */
export function useScroll(firstKey: string | undefined, reachedTop: () => void): Scroll {
    const container = useRef<HTMLDivElement>(null);
    const content = useRef<HTMLOListElement>(null);
    const stick = useRef(true);
    const before = useRef({ key: firstKey, height: 0 });
    const [atEnd, setAtEnd] = useState(true);
    const onTop = useRef(reachedTop);
    useEffect(() => {
        onTop.current = reachedTop;
    }, [reachedTop]);

    const toEnd = useCallback(() => {
        const element = container.current;
        if (!element) return;
        stick.current = true;
        element.scrollTop = element.scrollHeight;
    }, []);

    useLayoutEffect(() => {
        const element = container.current;
        if (!element) return;
        const grown = element.scrollHeight - before.current.height;
        if (stick.current) element.scrollTop = element.scrollHeight;
        else if (before.current.key !== firstKey) element.scrollTop += grown;
        before.current = { key: firstKey, height: element.scrollHeight };
    });

    useEffect(() => {
        const element = container.current;
        const inner = content.current;
        if (!element || !inner) return undefined;
        const onScroll = (): void => {
            const left = element.scrollHeight - element.scrollTop - element.clientHeight;
            stick.current = left < NEAR_END_PX;
            setAtEnd(stick.current);
            if (element.scrollTop < 200) onTop.current();
        };
        const observer = new ResizeObserver(() => {
            if (stick.current) element.scrollTop = element.scrollHeight;
            // What does not fill the screen cannot be scrolled to ask for more.
            if (element.scrollHeight <= element.clientHeight) onTop.current();
            before.current.height = element.scrollHeight;
        });
        element.addEventListener("scroll", onScroll, { passive: true });
        observer.observe(inner);
        observer.observe(element);
        return () => {
            element.removeEventListener("scroll", onScroll);
            observer.disconnect();
        };
    }, []);

    return { container, content, atEnd, toEnd };
}
