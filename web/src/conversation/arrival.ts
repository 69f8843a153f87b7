/**
 * Going to a row of a list whose rows are measured only as they come into view, and staying where the reader is. Pure: what is
 * seen of the list goes in, what to do with it comes out; `use-scroll.ts` looks and does.
 */

/** How far the row may stand from where it should, in pixels. */
const CLOSE_PX = 2;
/** So many frames in a row must find it in its place: what is above it may be measured in any of them. */
const STEADY_FRAMES = 4;
/** A list that has not come to rest after so many frames (ten seconds) is left as it is. */
const MOST_FRAMES = 600;

/** This close to the end counts as being at it. */
const NEAR_END_PX = 48;
/** This close to the start older messages are asked for. */
const NEAR_START_PX = 600;

/** Where in the window of the list the row should stand. */
export type Align = "start" | "center";

/** What is seen of the list and of the row that is gone to, in one frame; all in pixels. */
export interface Sight {
    /** The height of the list's window. */
    height: number;
    /** How far the list can still go up and down. */
    above: number;
    below: number;
    /** The row, measured from the top of the window; `undefined` while it is not drawn. */
    row: { top: number; height: number } | undefined;
}

/** How far the journey has come. */
export interface Journey {
    frames: number;
    /** So many frames in a row found the row in its place. */
    steady: number;
}

export const setOut: Journey = { frames: 0, steady: 0 };

/** Where the row stands from where it should be, in pixels downwards, as far as the list can still go. */
export function away({ height, above, below, row }: Sight, align: Align): number | undefined {
    if (!row) return undefined;
    const wanted = align === "center" ? (height - row.height) / 2 : 0;
    return Math.max(-above, Math.min(below, row.top - wanted));
}

/** What this frame asks for: to scroll there (again), to wait and see, or that the journey is over, with or without the row. */
export function travel(
    { frames, steady }: Journey,
    sight: Sight,
    align: Align,
): { journey: Journey; next: "scroll" | "wait" | "arrived" | "lost" } {
    const off = away(sight, align);
    const placed = off !== undefined && Math.abs(off) <= CLOSE_PX;
    const journey = { frames: frames + 1, steady: placed ? steady + 1 : 0 };
    if (journey.steady >= STEADY_FRAMES) return { journey, next: "arrived" };
    if (journey.frames >= MOST_FRAMES) return { journey, next: "lost" };
    return { journey, next: placed ? "wait" : "scroll" };
}

/** Where the window of the list stands. */
export interface Stand {
    scrollTop: number;
    scrollHeight: number;
    clientHeight: number;
}

/** What the list does next, and whether it holds on to its end. */
export interface Hold {
    /** It stays at the end, whatever grows. */
    stick: boolean;
    /** It must be put to the end again. */
    toEnd: boolean;
    /** The reader is near the beginning of what is loaded. */
    earlier: boolean;
}

function left({ scrollTop, scrollHeight, clientHeight }: Stand): number {
    return scrollHeight - scrollTop - clientHeight;
}

/** Whether the window stands at the end. */
export function atItsEnd(stand: Stand): boolean {
    return left(stand) < NEAR_END_PX;
}

/**
 * After a scroll. What moved because something grew (it was `height` before), or while rows are being measured (`measuring`: the list
 * puts right where it stands by less than a screen, and may do so after we did), was not moved by the reader; and while somebody is on
 * their way to a row (`going`) no place on the way is where they want to be.
 */
export function afterScroll(
    stick: boolean,
    height: number,
    stand: Stand,
    { going, measuring }: { going: boolean; measuring: boolean },
): Hold {
    if (going) return { stick: false, toEnd: false, earlier: false };
    const end = atItsEnd(stand);
    const moved = stand.scrollHeight !== height || (measuring && left(stand) < stand.clientHeight);
    if (stick && moved && !end) return { stick: true, toEnd: true, earlier: false };
    return { stick: end, toEnd: false, earlier: stand.scrollTop < NEAR_START_PX };
}

/** After something changed its height. */
export function afterResize(stick: boolean, stand: Stand, going: boolean): Hold {
    if (going) return { stick: false, toEnd: false, earlier: false };
    // What does not fill the screen cannot be scrolled to ask for more.
    const short = stand.scrollHeight <= stand.clientHeight + NEAR_START_PX / 2;
    return { stick, toEnd: stick, earlier: short };
}

/** The first and the last row of a list, and how many there are. */
export interface Ends {
    first: string | undefined;
    last: string | undefined;
    count: number;
}

/** Rows came above and nothing else changed: then the view stays where it is, seen from the end. */
export function shifted(before: Ends, now: Ends): boolean {
    return before.first !== undefined && before.first !== now.first && before.last === now.last;
}
