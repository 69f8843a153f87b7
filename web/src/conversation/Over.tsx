import type { Room } from "matrix-js-sdk";
import type { JSX } from "react";
import type { MessageStatus } from "../matrix/ticks.ts";
import { usePolicy } from "../session/policy.ts";
import type { Actionable } from "./actions.ts";
import { DeleteDialog } from "./DeleteDialog.tsx";
import { ForwardDialog } from "./ForwardDialog.tsx";
import { MessageInfo } from "./MessageInfo.tsx";
import { MessageMenu } from "./MessageMenu.tsx";
import type { Pins } from "./Pinned.tsx";
import type { MessageActions } from "./use-message-actions.ts";
import { wordsOf } from "./words.ts";

interface OverProps {
    room: Room;
    actions: MessageActions;
    pins: Pins;
    name: (userId: string) => string;
    status: (item: Actionable) => MessageStatus | undefined;
}

/** What is open over the conversation for one message: its menu, its way, the question before it is deleted. */
export function Over({ room, actions, pins, name, status }: OverProps): JSX.Element | null {
    const { forward } = usePolicy();
    const { opened, act, react, remove, close } = actions;
    if (!opened) return null;
    const { item } = opened;
    switch (opened.what) {
        case "menu":
            return (
                <MessageMenu
                    item={item}
                    allowed={{ forward, pin: pins.allowed, pinned: pins.pinned.includes(item.key) }}
                    anchor={opened.anchor}
                    onAction={(action) => act(item, action)}
                    onReact={(key) => react(item, key)}
                    onClose={close}
                />
            );
        case "info":
            return (
                <MessageInfo
                    room={room}
                    item={item}
                    name={name(item.sender)}
                    status={status(item)}
                    onClose={close}
                />
            );
        case "delete":
            return <DeleteDialog text={wordsOf(item)} onDelete={() => remove(item)} onClose={close} />;
        case "forward":
            return <ForwardDialog room={room} item={item} onClose={close} />;
    }
}
