import { useEffect, useMemo, type MouseEvent, type PointerEvent } from "react";
import type { Anchor } from "./Menu.tsx";

const HOLD_MS = 450;
/** A finger that moves farther than this scrolls. */
const SLIP_PX = 10;

export interface LongPress {
    onPointerDown: (event: PointerEvent) => void;
    onPointerMove: (event: PointerEvent) => void;
    onPointerUp: () => void;
    onPointerCancel: () => void;
    onContextMenu: (event: MouseEvent) => void;
}

/** Lifting the finger must not press what has opened under it. */
function swallowLift(): void {
    const ended = new AbortController();
    const options = { capture: true, signal: ended.signal };
    const swallow = (event: Event): void => {
        event.preventDefault();
        event.stopPropagation();
    };
    window.addEventListener("click", swallow, options);
    for (const next of ["pointerdown", "keydown"])
        window.addEventListener(next, () => ended.abort(), options);
}

class Hold {
    private timer: ReturnType<typeof setTimeout> | undefined;
    private from: Anchor = { x: 0, y: 0 };

    start(at: Anchor, then: (at: Anchor) => void): void {
        this.stop();
        this.from = at;
        this.timer = setTimeout(() => {
            swallowLift();
            then(at);
        }, HOLD_MS);
    }

    moved({ x, y }: Anchor): void {
        if (Math.abs(x - this.from.x) + Math.abs(y - this.from.y) > SLIP_PX) this.stop();
    }

    readonly stop = (): void => clearTimeout(this.timer);
}

/** Calls `open` when a finger or pen rests on something, or the right mouse button is pressed on it. */
export function useLongPress(open: (at: Anchor) => void): LongPress {
    const hold = useMemo(() => new Hold(), []);
    useEffect(() => hold.stop, [hold]);
    return {
        onPointerDown: (event) => {
            if (event.pointerType !== "mouse") hold.start({ x: event.clientX, y: event.clientY }, open);
        },
        onPointerMove: (event) => hold.moved({ x: event.clientX, y: event.clientY }),
        onPointerUp: hold.stop,
        onPointerCancel: hold.stop,
        onContextMenu: (event) => {
            // Marked text and links keep the browser's own menu.
            const inLink = event.target instanceof Element && event.target.closest("a") !== null;
            if (inLink || !getSelection()?.isCollapsed) return;
            event.preventDefault();
            hold.stop();
            open({ x: event.clientX, y: event.clientY });
        },
    };
}
