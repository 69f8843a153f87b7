import { Direction, type Room } from "matrix-js-sdk";
import { useCallback, useEffect, useMemo, useState, type JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { useOutbox } from "../matrix/outbox.ts";
import { inOrder, type OutboxItem } from "../matrix/outbox-logic.ts";
import { changes, withQueued } from "../matrix/overlay.ts";
import { markSeen } from "../matrix/receipts.ts";
import { colleagues, localpart, nameOf } from "../matrix/rooms.ts";
import { buildTimeline } from "../matrix/timeline.ts";
import type { MessageStatus } from "../matrix/ticks.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { ConnectionLine } from "../session/ConnectionLine.tsx";
import { useClient, useSession } from "../session/store.ts";
import type { Actionable, ComposeMode } from "./actions.ts";
import { QueuedBubble, TimelineRow } from "./Bubbles.tsx";
import { DeleteDialog } from "./DeleteDialog.tsx";
import { MessageInfo } from "./MessageInfo.tsx";
import { MessageMenu } from "./MessageMenu.tsx";
import { statusReader } from "./status.ts";
import { useMessageActions, type MessageActions } from "./use-message-actions.ts";
import { useScroll } from "./use-scroll.ts";
import { wordsOf } from "./words.ts";

interface MessagesProps {
    room: Room;
    /** Grows with every message sent: then the view goes to the end. */
    sentCount: number;
    onTakenBack: (text: string) => void;
    onCompose: (mode: ComposeMode) => void;
}

/** What was said in a conversation, oldest first, with what is still on its way at the end. */
export function Messages({ room, sentCount, onTakenBack, onCompose }: MessagesProps): JSX.Element {
    const client = useClient();
    const version = useRoomChanges(room.roomId);
    const connection = useSession((session) => session.connection);
    const { data: staff } = useStaff();
    const queued = useQueued(room);
    const me = nameOf(room, room.myUserId);
    const drawn = useMemo(() => {
        void version;
        return buildTimeline(room, room.getLiveTimeline().getEvents());
    }, [room, version]);
    const items = useMemo(() => withQueued(drawn, queued, me, t.conversation.deleted), [drawn, queued, me]);
    const { more, busy, fetchEarlier } = useEarlier(room);
    const { container, content, atEnd, toEnd } = useScroll(items[0]?.key, fetchEarlier);

    useEffect(() => {
        if (sentCount > 0) toEnd();
    }, [sentCount, toEnd]);

    useEffect(() => {
        void room.loadMembersIfNeeded();
    }, [room]);

    useEffect(() => {
        const look = (): void => {
            if (atEnd && document.visibilityState === "visible") void markSeen(client, room);
        };
        look();
        document.addEventListener("visibilitychange", look);
        window.addEventListener("focus", look);
        return () => {
            document.removeEventListener("visibilitychange", look);
            window.removeEventListener("focus", look);
        };
    }, [client, room, version, atEnd, connection]);

    const status = statusReader(room);
    const lastOwn = items.findLast((item) => "own" in item && item.own)?.key;
    const name = (userId: string): string => staff?.get(localpart(userId))?.name ?? nameOf(room, userId);
    const actions = useMessageActions(room, name, onCompose);
    return (
        <div className="messages">
            <div
                className="messages__scroll"
                ref={container}
                role="log"
                aria-label={t.conversation.messages}
                tabIndex={0}
            >
                <ol className="timeline" ref={content}>
                    <li className="timeline__start">
                        {busy && t.conversation.loadingEarlier}
                        {!busy && more && (
                            <button type="button" className="button button--quiet" onClick={fetchEarlier}>
                                {t.conversation.earlier}
                            </button>
                        )}
                        {!more && t.conversation.start}
                    </li>
                    {items.map((item) => (
                        <TimelineRow
                            key={item.key}
                            room={room}
                            item={item}
                            name={"sender" in item ? name(item.sender) : ""}
                            status={"own" in item && item.own ? status(item.index) : undefined}
                            spelledOut={item.key === lastOwn}
                            onMenu={actions.openMenu}
                            onReact={actions.react}
                        />
                    ))}
                    {queued.map(
                        (item) =>
                            (item.state === "failed" || changes(item) === undefined) && (
                                <QueuedBubble key={item.txnId} item={item} onTakenBack={onTakenBack} />
                            ),
                    )}
                </ol>
            </div>
            {!atEnd && (
                <button type="button" className="button messages__to-end" onClick={toEnd}>
                    {t.conversation.newMessages}
                </button>
            )}
            <div className="messages__foot">
                <TypingLine room={room} name={name} />
                <ConnectionLine />
            </div>
            <Over
                room={room}
                actions={actions}
                name={name}
                status={(item) => (item.own ? status(item.index) : undefined)}
            />
        </div>
    );
}

interface OverProps {
    room: Room;
    actions: MessageActions;
    name: (userId: string) => string;
    status: (item: Actionable) => MessageStatus | undefined;
}

/** What is open over the conversation for one message: its menu, its way, the question before it is deleted. */
function Over({ room, actions, name, status }: OverProps): JSX.Element | null {
    const { opened, act, react, remove, close } = actions;
    if (!opened) return null;
    const { item } = opened;
    switch (opened.what) {
        case "menu":
            return (
                <MessageMenu
                    item={item}
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
    }
}

/** What is in the outbox for this conversation and not yet in its timeline. */
function useQueued(room: Room): OutboxItem[] {
    const items = useOutbox((outbox) => outbox.items);
    return inOrder(
        items.filter(
            (item) => item.roomId === room.roomId && !(item.eventId && room.findEventById(item.eventId)),
        ),
    );
}

function useEarlier(room: Room): { more: boolean; busy: boolean; fetchEarlier: () => void } {
    const client = useClient();
    const [busy, setBusy] = useState(false);
    const more = room.getLiveTimeline().getPaginationToken(Direction.Backward) !== null;
    const fetchEarlier = useCallback(() => {
        if (busy || !more) return;
        setBusy(true);
        client
            .scrollback(room, 40)
            .catch(() => undefined)
            .finally(() => setBusy(false));
    }, [client, room, busy, more]);
    return { more, busy, fetchEarlier };
}

function TypingLine({ room, name }: { room: Room; name: (userId: string) => string }): JSX.Element {
    const typing = colleagues(room).filter((member) => member.typing);
    return (
        <p className="typing" role="status">
            {typing.length > 0 && t.conversation.typing(typing.map((member) => name(member.userId)))}
        </p>
    );
}
