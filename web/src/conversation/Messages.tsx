import type { Room } from "matrix-js-sdk";
import { useCallback, useEffect, useMemo, useState, type JSX, type ReactNode } from "react";
import { Virtualizer } from "virtua";
import { Link } from "wouter";
import { useOnCall, useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { dateTime } from "../i18n/time.ts";
import { hasEarlier, loadedEvents, loadEarlier } from "../matrix/loaded.ts";
import { useOutbox } from "../matrix/outbox.ts";
import { inOrder, type OutboxItem } from "../matrix/outbox-logic.ts";
import { changes, withQueued } from "../matrix/overlay.ts";
import { markSeen } from "../matrix/receipts.ts";
import { colleagues, endedAt, localpart, nameOf } from "../matrix/rooms.ts";
import { buildTimeline, type TimelineItem } from "../matrix/timeline.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { ConnectionLine } from "../session/ConnectionLine.tsx";
import { useClient, useSession } from "../session/store.ts";
import type { ComposeMode } from "./actions.ts";
import { QueuedBubble, TimelineRow } from "./Bubbles.tsx";
import { useFirstUnread } from "./first-unread.ts";
import type { Jump } from "./jump.ts";
import { Over } from "./Over.tsx";
import type { Pins } from "./Pinned.tsx";
import { statusReader } from "./status.ts";
import { useArrival } from "./use-arrival.ts";
import { useMessageActions } from "./use-message-actions.ts";
import { useScroll, useShift } from "./use-scroll.ts";

interface MessagesProps {
    room: Room;
    /** The conversations of other records of the patient that were joined to this one, the last joined first. */
    earlier: readonly Room[];
    /** Grows with every message sent: then the view goes to the end. */
    sentCount: number;
    pins: Pins;
    jumping: Jump;
    onTakenBack: (text: string) => void;
    onCompose: (mode: ComposeMode) => void;
}

type Row =
    | {
          key: string;
          item: TimelineItem;
          /** Where it was said, if that was in an earlier conversation. */
          of?: Room;
      }
    | { key: string; item?: never; queued: OutboxItem }
    /** Below what was said in an earlier conversation. */
    | { key: string; item?: never; ended: Room };

/** Drawn beyond what is seen, so that quick scrolling shows no gaps. */
const BUFFER_PX = 600;

/**
 * What was said in a conversation, oldest first, with what is still on its way at the end. Above its beginning stands what was
 * said of the same patient under other records, to be read only.
 */
export function Messages(props: MessagesProps): JSX.Element {
    const { room, earlier, sentCount, pins, jumping, onTakenBack, onCompose } = props;
    const client = useClient();
    const version = useRoomChanges(room.roomId);
    const connection = useSession((session) => session.connection);
    const { data: staff } = useStaff();
    const { data: roles } = useOnCall();
    const { eventId: unreadFrom, pending } = useFirstUnread(room);
    const { items, rows: own } = useRows(room, version, unreadFrom);
    const above = useJoined(room, earlier);
    const rows = useMemo(() => (above.length === 0 ? own : [...above, ...own]), [above, own]);
    const { more, busy, fetchEarlier } = useEarlier(room, earlier);
    const unread = rows.findIndex((row) => row.key === "unread");
    const scroll = useScroll(rows.length, unread, jumping.target !== undefined, fetchEarlier);
    const { container, list, atEnd, toEnd } = scroll;
    const { arrived } = jumping;
    const shift = useShift({ first: rows[0]?.key, last: rows.at(-1)?.key, count: rows.length });
    const openThread = useArrival(rows, jumping, scroll);

    useEffect(() => {
        if (sentCount === 0) return;
        // Whoever writes is where they want to be.
        arrived();
        toEnd();
    }, [sentCount, toEnd, arrived]);

    useEffect(() => {
        // Without a connection those who spoke are known; the others are asked for when it is back.
        if (connection === "online") void room.loadMembersIfNeeded().catch(() => undefined);
    }, [room, connection]);

    useEffect(() => {
        const look = (): void => {
            if (atEnd && !pending && document.visibilityState === "visible") void markSeen(client, room);
        };
        look();
        document.addEventListener("visibilitychange", look);
        window.addEventListener("focus", look);
        return () => {
            document.removeEventListener("visibilitychange", look);
            window.removeEventListener("focus", look);
        };
    }, [client, room, version, atEnd, pending, connection]);

    const status = statusReader(room);
    const lastOwn = items.findLast((item) => "own" in item && item.own)?.key;
    const name = (userId: string): string => staff?.get(localpart(userId))?.name ?? nameOf(room, userId);
    const roleName = (id: string): string => roles?.find((role) => role.id === id)?.name ?? "";
    const actions = useMessageActions(room, name, onCompose, pins);
    const mentionNames = (ids: readonly string[]): string[] =>
        ids.map((id) => (id.startsWith("@") ? name(id) : roleName(id)));
    const drawItem = (row: Extract<Row, { item: TimelineItem }>): JSX.Element => {
        const { item, of = room } = row;
        const nameFor = (userId: string): string =>
            of === room ? name(userId) : (staff?.get(localpart(userId))?.name ?? nameOf(of, userId));
        const statusFor = of === room ? status : statusReader(of);
        return (
            <TimelineRow
                room={of}
                item={item}
                name={"sender" in item ? nameFor(item.sender) : ""}
                status={"own" in item && item.own ? statusFor(item.key) : undefined}
                spelledOut={item.key === lastOwn}
                mentionNames={mentionNames}
                nameFor={nameFor}
                statusFor={statusFor}
                openThread={openThread}
                {...(of === room && {
                    onThread: (root: string, lastId: string): void =>
                        onCompose({ kind: "thread", eventId: root, lastId, text: "", name: "" }),
                    onMenu: actions.openMenu,
                    onReact: actions.react,
                })}
            />
        );
    };
    const draw = (row: Row): JSX.Element => {
        if ("ended" in row) return <Joined key={row.key} name={row.key} room={row.ended} />;
        return (
            <RowBox key={row.key} name={row.key} thread={row.item?.kind === "thread"} earlier={"of" in row}>
                {"queued" in row ? (
                    <QueuedBubble item={row.queued} onTakenBack={onTakenBack} />
                ) : (
                    drawItem(row)
                )}
            </RowBox>
        );
    };
    return (
        <div className="messages">
            <div
                className="messages__scroll"
                ref={container}
                role="log"
                aria-live="off"
                aria-label={t.conversation.messages}
                tabIndex={0}
            >
                <div className="timeline__start">
                    {busy && t.conversation.loadingEarlier}
                    {!busy && more && (
                        <button type="button" className="button button--quiet" onClick={fetchEarlier}>
                            {t.conversation.earlier}
                        </button>
                    )}
                    {!more && t.conversation.start}
                </div>
                <Virtualizer
                    ref={list}
                    as="ol"
                    item="li"
                    scrollRef={container}
                    startMargin={START_PX}
                    bufferSize={BUFFER_PX}
                    shift={shift}
                    data={rows}
                    onScroll={scroll.onScroll}
                    onResize={scroll.onResize}
                >
                    {draw}
                </Virtualizer>
            </div>
            {jumping.fetching && (
                <p className="messages__fetching" role="status">
                    {t.conversation.fetchingWay}
                </p>
            )}
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
                pins={pins}
                name={name}
                status={(item) => (item.own ? status(item.key) : undefined)}
            />
        </div>
    );
}

/** Height of what stands above the first message; the style sheet says the same. */
const START_PX = 56;

interface RowBoxProps {
    name: string;
    thread: boolean;
    /** It was said in an earlier conversation. */
    earlier: boolean;
    children: ReactNode;
}

/** The room that one row takes, with the gap below it. */
function RowBox({ name, thread, earlier, children }: RowBoxProps): JSX.Element {
    const classes = ["timeline__row", thread && "timeline__row--thread", earlier && "timeline__row--earlier"];
    return (
        <div className={classes.filter(Boolean).join(" ")} data-row={name}>
            {children}
        </div>
    );
}

/** Stands between what was said under another record of the patient and the conversation that goes on. */
function Joined({ name, room }: { name: string; room: Room }): JSX.Element {
    return (
        <div className="timeline__row" data-row={name}>
            <div className="joined-line">
                <h3>{t.patients.joined(dateTime(endedAt(room)))}</h3>
                <p>
                    {t.patients.joinedBody}{" "}
                    <Link href={`/patients/${encodeURIComponent(room.roomId)}`}>{t.patients.otherAlone}</Link>
                </p>
            </div>
        </div>
    );
}

/** What was said in the earlier conversations, oldest first: of each only once everything below it is there. */
function useJoined(room: Room, earlier: readonly Room[]): Row[] {
    const complete = !hasEarlier(room);
    return useMemo(() => {
        const rows: Row[] = [];
        let reached = complete;
        for (const one of earlier) {
            if (!reached) break;
            const items = buildTimeline(one, loadedEvents(one)).filter(
                // That it goes on here needs no way to here.
                (item) => !(item.kind === "system" && item.leads && "room" in item.leads),
            );
            rows.unshift(...items.map((item): Row => ({ key: `${one.roomId} ${item.key}`, item, of: one })), {
                key: `joined ${one.roomId}`,
                ended: one,
            });
            reached = !hasEarlier(one);
        }
        return rows;
    }, [complete, earlier]);
}

/** What is drawn: the conversation with what waits in the outbox applied to it, and after it what is new in the outbox. */
function useRows(
    room: Room,
    version: number,
    unreadFrom: string | undefined,
): { items: TimelineItem[]; rows: Row[] } {
    const queued = useQueued(room);
    const me = nameOf(room, room.myUserId);
    const drawn = useMemo(() => {
        void version;
        return buildTimeline(room, loadedEvents(room), unreadFrom);
    }, [room, version, unreadFrom]);
    return useMemo(() => {
        const items = withQueued(drawn, queued, me, t.conversation.deleted);
        const rows: Row[] = items.map((item) => ({ key: item.key, item }));
        for (const item of queued) {
            if (item.state === "failed" || changes(item) === undefined)
                rows.push({ key: item.txnId, queued: item });
        }
        return { items, rows };
    }, [drawn, queued, me]);
}

const empty: OutboxItem[] = [];

/** What is in the outbox for this conversation and not yet in its timeline. */
function useQueued(room: Room): OutboxItem[] {
    const items = useOutbox((outbox) => outbox.items);
    const version = useRoomChanges(room.roomId);
    return useMemo(() => {
        void version;
        const mine = items.filter(
            (item) => item.roomId === room.roomId && !(item.eventId && room.findEventById(item.eventId)),
        );
        return mine.length === 0 ? empty : inOrder(mine);
    }, [items, room, version]);
}

/** So many messages are fetched at a time when somebody scrolls back. */
const PAGE = 60;

/** Fetches what was said before: of the conversation, and then of the earlier ones above it. */
function useEarlier(
    room: Room,
    earlier: readonly Room[],
): { more: boolean; busy: boolean; fetchEarlier: () => void } {
    const client = useClient();
    const [busy, setBusy] = useState(false);
    const next = [room, ...earlier].find(hasEarlier);
    const fetchEarlier = useCallback(() => {
        if (busy || !next) return;
        setBusy(true);
        loadEarlier(client, next, PAGE)
            .catch(() => undefined)
            .finally(() => setBusy(false));
    }, [client, next, busy]);
    return { more: next !== undefined, busy, fetchEarlier };
}

function TypingLine({ room, name }: { room: Room; name: (userId: string) => string }): JSX.Element {
    const typing = colleagues(room).filter((member) => member.typing);
    return (
        <p className="typing" role="status">
            {typing.length > 0 && t.conversation.typing(typing.map((member) => name(member.userId)))}
        </p>
    );
}
