import { Direction, type Room } from "matrix-js-sdk";
import { useCallback, useEffect, useMemo, useState, type JSX } from "react";
import { Link } from "wouter";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { useDraft } from "../matrix/drafts.ts";
import { useOutbox } from "../matrix/outbox.ts";
import { inOrder } from "../matrix/outbox-logic.ts";
import { markSeen } from "../matrix/receipts.ts";
import { colleagues, isClerk, localpart, nameOf, patientRef } from "../matrix/rooms.ts";
import { buildTimeline } from "../matrix/timeline.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { PatientBanner } from "../patients/PatientBanner.tsx";
import { AskDialog } from "../requests/AskDialog.tsx";
import { ConnectionLine } from "../session/ConnectionLine.tsx";
import { useClient, useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Avatar, Empty, Loading } from "../ui/parts.tsx";
import { QueuedBubble, TimelineRow } from "./Bubbles.tsx";
import { Composer } from "./Composer.tsx";
import { statusReader } from "./status.ts";
import { useScroll } from "./use-scroll.ts";

/** A conversation, or why it cannot be shown. `back` is where the phone's back button leads. */
export function Conversation({ roomId, back }: { roomId: string; back: string }): JSX.Element {
    const client = useClient();
    const loaded = useSession((session) => session.loaded);
    useRoomChanges(roomId);
    const room = client.getRoom(roomId);
    if (room?.getMyMembership() === "join") return <OpenConversation key={roomId} room={room} back={back} />;
    if (!loaded) return <Loading />;
    return (
        <div className="conversation">
            <header className="conversation__head">
                <BackLink to={back} />
            </header>
            <Empty icon="chats" title={t.conversation.notFound}>
                {t.conversation.notFoundBody}
            </Empty>
        </div>
    );
}

function BackLink({ to }: { to: string }): JSX.Element {
    return (
        <Link className="icon-button conversation__back" href={to} aria-label={t.app.back}>
            <Icon name="back" />
        </Link>
    );
}

function OpenConversation({ room, back }: { room: Room; back: string }): JSX.Element {
    const ref = patientRef(room);
    const [text, setText] = useDraft(`message:${room.roomId}`, "");
    const [asking, setAsking] = useState(false);
    const [sentCount, setSentCount] = useState(0);
    return (
        <div className={ref === undefined ? "conversation" : "conversation conversation--patient"}>
            <header className="conversation__head">
                <BackLink to={back} />
                {ref === undefined ? <PersonHead room={room} /> : <PatientBanner patientRef={ref} />}
                <Members room={room} />
            </header>
            <Messages
                room={room}
                sentCount={sentCount}
                onTakenBack={(words) => setText(text ? `${words}\n${text}` : words)}
            />
            <Composer
                roomId={room.roomId}
                text={text}
                onText={setText}
                onAsk={ref === undefined ? undefined : () => setAsking(true)}
                onSent={() => setSentCount(sentCount + 1)}
            />
            {asking && <AskDialog roomId={room.roomId} onClose={() => setAsking(false)} />}
        </div>
    );
}

function PersonHead({ room }: { room: Room }): JSX.Element {
    return (
        <div className="person-head">
            <Avatar name={room.name} />
            <h2>{room.name}</h2>
        </div>
    );
}

function Members({ room }: { room: Room }): JSX.Element {
    const { data: staff } = useStaff();
    const [open, setOpen] = useState(false);
    const members = room.getJoinedMembers().filter((member) => !isClerk(member.userId));
    const show = (): void => {
        setOpen(true);
        void room.loadMembersIfNeeded();
    };
    return (
        <>
            <button
                type="button"
                className="icon-button members-button"
                aria-label={t.conversation.membersTitle}
                onClick={show}
            >
                <Icon name="people" />
                <span aria-hidden="true">
                    {room.getJoinedMemberCount() - (members.length < room.getJoinedMembers().length ? 1 : 0)}
                </span>
            </button>
            {open && (
                <Dialog title={t.conversation.membersTitle} onClose={() => setOpen(false)}>
                    <ul className="readers">
                        {members.map((member) => {
                            const known = staff?.get(localpart(member.userId));
                            return (
                                <li key={member.userId}>
                                    <strong>
                                        {known?.name ?? nameOf(room, member.userId)}
                                        {member.userId === room.myUserId && ` (${t.conversation.you})`}
                                    </strong>
                                    <span className="muted">{known?.job}</span>
                                </li>
                            );
                        })}
                    </ul>
                </Dialog>
            )}
        </>
    );
}

interface MessagesProps {
    room: Room;
    /** Grows with every message sent: then the view goes to the end. */
    sentCount: number;
    onTakenBack: (text: string) => void;
}

function Messages({ room, sentCount, onTakenBack }: MessagesProps): JSX.Element {
    const client = useClient();
    const version = useRoomChanges(room.roomId);
    const connection = useSession((session) => session.connection);
    const { data: staff } = useStaff();
    const items = useMemo(() => {
        void version;
        return buildTimeline(room, room.getLiveTimeline().getEvents());
    }, [room, version]);
    const queued = useQueued(room);
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
                            item={item}
                            name={"sender" in item ? name(item.sender) : ""}
                            status={"own" in item && item.own ? status(item.index) : undefined}
                            spelledOut={item.key === lastOwn}
                        />
                    ))}
                    {queued.map((item) => (
                        <QueuedBubble key={item.txnId} item={item} onTakenBack={onTakenBack} />
                    ))}
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
        </div>
    );
}

/** What is in the outbox for this conversation and not yet in its timeline. */
function useQueued(room: Room): ReturnType<typeof inOrder> {
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
