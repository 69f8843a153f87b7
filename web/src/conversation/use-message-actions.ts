import type { Room } from "matrix-js-sdk";
import { useCallback, useState } from "react";
import { useSession } from "../session/store.ts";
import {
    deletion,
    toggled,
    type Actionable,
    type ComposeMode,
    type MessageAction,
    type Outgoing,
} from "./actions.ts";
import type { Anchor } from "../ui/Menu.tsx";
import type { Pins } from "./Pinned.tsx";
import { wordsOf } from "./words.ts";

/** What is open over the conversation for one message. */
export type Opened =
    | { what: "menu"; item: Actionable; anchor: Anchor }
    | { what: "info" | "delete" | "forward"; item: Actionable };

export interface MessageActions {
    opened: Opened | undefined;
    openMenu: (item: Actionable, anchor: Anchor) => void;
    act: (item: Actionable, action: MessageAction) => void;
    react: (item: Actionable, key: string) => void;
    remove: (item: Actionable) => void;
    close: () => void;
}

/** Carries out what is chosen in the menu of a message. Everything sent goes through the outbox, so it works offline too. */
export function useMessageActions(
    room: Room,
    name: (userId: string) => string,
    onCompose: (mode: ComposeMode) => void,
    pins: Pick<Pins, "pin" | "unpin">,
): MessageActions {
    const outbox = useSession((session) => session.outbox);
    const [opened, setOpened] = useState<Opened>();
    const send = useCallback(
        (event: Outgoing | undefined): void => {
            // That this device is full is said where one writes.
            if (event) void outbox?.add({ roomId: room.roomId, ...event }).catch(() => undefined);
        },
        [outbox, room.roomId],
    );
    const openMenu = useCallback(
        (item: Actionable, anchor: Anchor): void => setOpened({ what: "menu", item, anchor }),
        [],
    );
    const react = useCallback(
        (item: Actionable, key: string): void => {
            setOpened(undefined);
            send(toggled(item, key));
        },
        [send],
    );
    const act = (item: Actionable, action: MessageAction): void => {
        setOpened(undefined);
        const text = wordsOf(item);
        if (action === "copy") void navigator.clipboard.writeText(item.kind === "message" ? item.text : text);
        else if (action === "info" || action === "delete" || action === "forward")
            setOpened({ what: action, item });
        else if (action === "pin") pins.pin(item.key);
        else if (action === "unpin") pins.unpin(item.key);
        else if (action === "thread") {
            // An answer to an answer belongs to the same thread.
            const root = item.kind === "message" ? (item.thread ?? item.key) : item.key;
            onCompose({ kind: "thread", eventId: root, lastId: item.key, text, name: name(item.sender) });
        } else if (action === "edit") onCompose({ kind: "edit", eventId: item.key, text });
        else onCompose({ kind: "reply", eventId: item.key, text, name: name(item.sender) });
    };
    const remove = (item: Actionable): void => {
        setOpened(undefined);
        send(deletion(item.key));
    };
    return { opened, openMenu, act, react, remove, close: () => setOpened(undefined) };
}
