import type { Room } from "matrix-js-sdk";
import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { colleagues } from "../matrix/rooms.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { useCalls } from "./center.ts";

/** Calls the other one of a conversation of two. */
export function CallButtons({ room, name }: { room: Room; name: string }): JSX.Element | null {
    const calls = useSession((session) => session.calls);
    const busy = useCalls(({ call }) => call !== undefined && call.step !== "ended");
    const others = colleagues(room);
    const other = others.length === 1 ? others[0]?.userId : undefined;
    if (other === undefined || !calls) return null;
    const button = (video: boolean): JSX.Element => (
        <button
            type="button"
            className="icon-button"
            aria-label={video ? t.calls.startVideo(name) : t.calls.startVoice(name)}
            aria-disabled={busy}
            onClick={() => !busy && void calls.place(room.roomId, other, video).catch(() => undefined)}
        >
            <Icon name={video ? "video" : "phone"} />
        </button>
    );
    return (
        <>
            {button(false)}
            {button(true)}
        </>
    );
}
