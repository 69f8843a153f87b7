import { useEffect, useRef, useState, type RefObject } from "react";
import type { Media } from "../matrix/media.ts";
import { useSession } from "../session/store.ts";

interface Shown {
    /** The address to draw, once it is there. */
    address: string | undefined;
    failed: boolean;
    tryAgain: () => void;
}

/** The small picture of `media`, or the picture itself where there is no small one; fetched once it is `wanted`. */
export function usePicture(media: Media, wanted = true): Shown {
    const store = useSession((session) => session.media);
    const [asked, setAsked] = useState(0);
    const [address, setAddress] = useState<string>();
    const [failed, setFailed] = useState(false);
    const file = media.thumbnail ?? media.file;
    const type = media.thumbnail ? "image/jpeg" : media.type;
    useEffect(() => {
        if (!wanted) return undefined;
        let current = true;
        store?.picture(file, type).then(
            (found) => current && setAddress(found),
            () => current && setFailed(true),
        );
        return () => {
            current = false;
        };
    }, [store, file, type, asked, wanted]);
    const tryAgain = (): void => {
        setFailed(false);
        setAsked(asked + 1);
    };
    return { address, failed, tryAgain };
}

/** Whether an element has been on the screen, or near it. */
export function useSeen(element: RefObject<Element | null>): boolean {
    const [seen, setSeen] = useState(false);
    const observer = useRef<IntersectionObserver>(undefined);
    useEffect(() => {
        if (!element.current) return undefined;
        observer.current = new IntersectionObserver(
            (entries) => {
                if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
            },
            { rootMargin: "50%" },
        );
        observer.current.observe(element.current);
        return () => observer.current?.disconnect();
    }, [element]);
    return seen;
}
