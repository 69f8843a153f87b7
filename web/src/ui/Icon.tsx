import type { JSX } from "react";

const paths = {
    chats: "M4 5h16v11H9l-5 4z",
    patients: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 9c0-4 3.6-6.5 8-6.5s8 2.5 8 6.5",
    "on-call": "M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A15 15 0 0 1 3 6a2 2 0 0 1 2-2z",
    requests: "M9 4h6v3H9zM7 5.5H5V21h14V5.5h-2M8.5 14l2.5 2.5 4.5-5",
    back: "M15 5l-7 7 7 7",
    send: "M4 12l16-8-6 16-3-6z",
    close: "M6 6l12 12M18 6L6 18",
    plus: "M12 5v14M5 12h14",
    ask: "M12 3v10m0 4.5v.5M4.5 20.5L12 4l7.5 16.5z",
    urgent: "M12 4L2.5 20.5h19zM12 10v4.5m0 3v.3",
    action: "M5 12.5l4.5 4.5L19 7.5",
    information: "M12 11v6m0-9.6v.2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
    clock: "M12 7v5l3.5 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
    sent: "M5 12.5l4.5 4.5L19 7.5",
    double: "M2 12.5l4.5 4.5L16 7.5M11 16l1 1 10-9.5",
    warning: "M12 8v5m0 3.4v.2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
    lock: "M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5z",
    people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm-7 9c0-3.5 3-5.5 7-5.5s7 2 7 5.5M16 4.5a3.5 3.5 0 0 1 0 6.5m2 4c2.5.6 4 2.300 4 5",
    nobody: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.600 5.600l12.800 12.800",
    reply: "M10 6L4 12l6 6M4.500 12H14c4 0 6 2.500 6 6",
    forward: "M14 6l6 6-6 6M19.500 12H10c-4 0-6 2.500-6 6",
    thread: "M5 4v9a4 4 0 0 0 4 4h10M15 13l4 4-4 4M10 6h9M10 10h6",
    pin: "M9 3h6l-1 7 4 4H6l4-4zM12 14v7",
    search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16.500 16.500L21 21",
    bell: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
    mute: "M6 17V11a6 6 0 0 1 9-5.200M18 11v6l2 2H4M10 21h4M4 4l16 16",
    archive: "M4 5h16v4H4zM5 9v11h14V9M10 13h4",
    microphone: "M12 15a3 3 0 0 0 3-3V6a3 3 0 0 0-6 0v6a3 3 0 0 0 3 3zM6 11.500a6 6 0 0 0 12 0M12 17.500V21",
    play: "M7 4l13 8-13 8z",
    pause: "M8 5v14M16 5v14",
    phone: "M5 4h4l2 5-2.500 1.500a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A15 15 0 0 1 3 6a2 2 0 0 1 2-2z",
    video: "M3 6h12v12H3zM15 10l6-3v10l-6-3",
    gallery: "M3 3h8v8H3zM13 3h8v8h-8zM3 13h8v8H3zM13 13h8v8h-8z",
    next: "M9 5l7 7-7 7",
    edit: "M4 20l1-4L16.500 4.500l3 3L8 19z",
    copy: "M9 9h11v11H9zM15 9V4H4v11h5",
    delete: "M5 7h14M9 7V4h6v3m-8.500 0l1 13h9l1-13",
    more: "M5 12h.1M12 12h.1M19 12h.1",
    minus: "M5 12h14",
    attach: "M20 11l-8.500 8.500a5 5 0 0 1-7-7L13 4a3.400 3.400 0 0 1 4.800 4.800L9.500 17a1.700 1.700 0 0 1-2.400-2.400L14.500 7",
    camera: "M3 7h4l2-3h6l2 3h4v13H3zM12 17a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
    picture: "M4 4h16v16H4zM4 17l5-5 4 4 2.500-2.500L20 18M15.500 9.500h.1",
    file: "M6 3h8l5 5v13H6zM14 3v5h5",
    download: "M12 4v11m-5-5l5 5 5-5M5 20h14",
    machine: "M5 9h14v10H5zM12 9V5M9 13.500v.1M15 13.500v.1M9.500 16.500h5M12 5h.1",
    outside: "M14 4h6v16h-6M4 12h11m-4-4l4 4-4 4",
    bed: "M3 6v13m0-4h18v4m0-4v-3a3 3 0 0 0-3-3H9v6M6.200 12.500a1.700 1.700 0 1 0 0-3.400 1.700 1.700 0 0 0 0 3.400z",
} as const;

export type IconName = keyof typeof paths;

/** Every icon there is. */
export const iconNames = Object.keys(paths) as IconName[];

/** Those that point along the line of writing. */
const onward: ReadonlySet<IconName> = new Set(["back", "send", "reply", "forward", "next", "thread"]);

/** A line icon, that grows half as fast as the text. Always decoration: the words beside it, or the label of its button, carry the meaning. */
export function Icon({ name, size = 24 }: { name: IconName; size?: number }): JSX.Element {
    const extent = `calc(${size / 32}rem + ${size / 2}px)`;
    return (
        <svg
            className={onward.has(name) ? "icon icon--onward" : "icon"}
            style={{ width: extent, height: extent }}
            viewBox="0 0 24 24"
            aria-hidden="true"
            focusable="false"
        >
            <path d={paths[name]} />
        </svg>
    );
}
