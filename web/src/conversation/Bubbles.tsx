import type { Room } from "matrix-js-sdk";
import { memo, useState, type JSX, type ReactNode } from "react";
import { Link } from "wouter";
import { Attachment } from "../attachments/Attachment.tsx";
import { QueuedAttachmentView } from "../attachments/Queued.tsx";
import { t } from "../i18n/index.ts";
import { clock, dayLabel } from "../i18n/time.ts";
import { mediaOf } from "../matrix/media.ts";
import type { Leads, TimelineItem } from "../matrix/timeline.ts";
import type { OutboxItem } from "../matrix/outbox-logic.ts";
import { changes } from "../matrix/overlay.ts";
import type { MessageStatus } from "../matrix/ticks.ts";
import { pagePath } from "../paths.ts";
import { parse, REQUEST, RequestContentSchema } from "../matrix/events.ts";
import { PersonBadge } from "../people/PersonBadge.tsx";
import { RequestCard } from "../requests/RequestCard.tsx";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import type { Actionable } from "./actions.ts";
import type { Anchor } from "../ui/Menu.tsx";
import { MessageText } from "./MessageText.tsx";
import { Quote } from "./Quote.tsx";
import { Reactions } from "./Reactions.tsx";
import { useLongPress } from "../ui/use-long-press.ts";
import { QueueTick, Ticks } from "./Ticks.tsx";

interface ItemProps extends BubbleActions {
    room: Room;
    item: TimelineItem;
    name: string;
    /** Only for messages of this person. */
    status: MessageStatus | undefined;
    /** Say the status in words: on the newest message of this person. */
    spelledOut: boolean;
    /** The names of the people and roles with these ids. */
    mentionNames: (ids: readonly string[]) => string[];
    /** For the answers in a folded thread. */
    nameFor: (userId: string) => string;
    statusFor: (eventId: string) => MessageStatus;
    /** The thread that must be open: somebody goes to a message in it. */
    openThread: string | undefined;
    onThread?: ((root: string, lastId: string) => void) | undefined;
}

/** What can be done with a message; nothing where neither is given, as in a conversation that has ended. */
interface BubbleActions {
    onMenu?: ((item: Actionable, at: Anchor) => void) | undefined;
    onReact?: ((item: Actionable, key: string) => void) | undefined;
}

/** One thing in a conversation. */
export function Item(props: ItemProps): JSX.Element {
    const { room, item, name, status, spelledOut, mentionNames } = props;
    switch (item.kind) {
        case "day":
            return (
                <div className="day">
                    <span>{dayLabel(item.at, Date.now())}</span>
                </div>
            );
        case "unread":
            return (
                <div className="unread-line">
                    <span>{t.conversation.unreadHere}</span>
                </div>
            );
        case "thread":
            return <ThreadRow {...props} item={item} />;
        case "system":
            return (
                <div className="system">
                    {item.text} <time dateTime={new Date(item.at).toISOString()}>{clock(item.at)}</time>
                    {item.leads && <Leading to={item.leads} />}
                </div>
            );
        case "unreadable":
            return (
                <div className="bubble bubble--unreadable">
                    {item.first && <Sender name={name} userId={item.sender} />}
                    <p>
                        <Icon name="clock" size={16} />{" "}
                        {item.pending ? t.conversation.opening : t.conversation.unreadable}
                    </p>
                    {!item.pending && item.first && <p className="muted">{t.conversation.unreadableHint}</p>}
                    <Meta at={item.at} />
                </div>
            );
        case "request":
            return (
                <Bubble {...props} item={item} card>
                    <RequestCard content={item.content} />
                    <Meta at={item.at} status={status} spelledOut={spelledOut} />
                </Bubble>
            );
        case "message":
            return (
                <Bubble {...props} item={item}>
                    {item.own && <span className="visually-hidden">{t.conversation.you}: </span>}
                    {item.forwarded && (
                        <p className="bubble__forwarded">
                            <Icon name="forward" size={16} /> {t.forward.mark}
                        </p>
                    )}
                    {item.replyTo !== undefined && <Quote room={room} eventId={item.replyTo} />}
                    {item.media && <Attachment media={item.media} />}
                    {item.text !== "" &&
                        (item.deleted ? (
                            <p className="bubble__text muted">{item.text}</p>
                        ) : (
                            <MessageText text={item.text} names={mentionNames(item.mentions)} />
                        ))}
                    <Meta at={item.at} edited={item.edited} status={status} spelledOut={spelledOut} />
                </Bubble>
            );
    }
}

/** The way to what a quiet line is about. */
function Leading({ to }: { to: Leads }): JSX.Element {
    if ("request" in to)
        return <Link href={pagePath("requests", "task", to.request)}>{t.requests.details}</Link>;
    return (
        <Link className="system__link" href={`/patients/${encodeURIComponent(to.room)}`}>
            {to.ended ? t.patients.otherHistory : t.patients.goesOn}
        </Link>
    );
}

type Thread = Extract<TimelineItem, { kind: "thread" }>;

/** The answers in a thread: how many and the newest, or all of them when opened. */
function ThreadRow(props: ItemProps & { item: Thread }): JSX.Element {
    const { item, nameFor, statusFor, openThread, onThread } = props;
    const [asked, setAsked] = useState(false);
    const open = asked || openThread === item.root;
    const newest = item.replies.at(-1);
    return (
        <div className={newest?.own === true ? "thread thread--own" : "thread"}>
            <button
                type="button"
                className="button button--quiet thread__toggle"
                aria-expanded={open}
                onClick={() => setAsked(!open)}
            >
                <Icon name="thread" size={18} />
                {t.thread.answers(item.replies.length)}
                {newest && (
                    <span className="muted">{t.thread.newest(nameFor(newest.sender), clock(newest.at))}</span>
                )}
            </button>
            {open && (
                <>
                    <ol className="thread__replies">
                        {item.replies.map((reply) => (
                            <li key={reply.key}>
                                <Item
                                    {...props}
                                    item={reply}
                                    name={nameFor(reply.sender)}
                                    status={reply.own ? statusFor(reply.key) : undefined}
                                    spelledOut={false}
                                />
                            </li>
                        ))}
                    </ol>
                    {onThread && (
                        <button
                            type="button"
                            className="button"
                            onClick={() => onThread(item.root, newest?.key ?? item.root)}
                        >
                            {t.thread.answer}
                        </button>
                    )}
                </>
            )}
        </div>
    );
}

interface BubbleProps extends BubbleActions {
    item: Actionable;
    name: string;
    card?: boolean;
    children: ReactNode;
}

/** The bubble of a message or request, with its menu (by button, long press or right click) and its reactions. */
function Bubble({ item, name, card = false, children, onMenu, onReact }: BubbleProps): JSX.Element {
    const press = useLongPress((at) => onMenu?.(item, at));
    const classes = ["bubble", item.own && "bubble--own", card && "bubble--card"].filter(Boolean).join(" ");
    return (
        <div className={classes} data-event={item.key} {...(onMenu && press)}>
            {item.first && !item.own && <Sender name={name} userId={item.sender} />}
            {children}
            <Reactions reactions={item.reactions} onToggle={onReact && ((key): void => onReact(item, key))} />
            {onMenu && (
                <button
                    type="button"
                    className="bubble__more"
                    aria-label={t.actions.more(item.own ? t.conversation.you : name, clock(item.at))}
                    aria-haspopup="menu"
                    onClick={(event) => {
                        const box = event.currentTarget.getBoundingClientRect();
                        onMenu(item, { x: box.left, y: box.bottom });
                    }}
                >
                    <Icon name="more" size={20} />
                </button>
            )}
        </div>
    );
}

/** Items only change when their content or status does; a long conversation is not drawn anew for every tick. */
export const TimelineRow = memo(
    Item,
    (before, after) =>
        before.name === after.name &&
        before.spelledOut === after.spelledOut &&
        // A folded thread draws names and states of its own.
        after.item.kind !== "thread" &&
        JSON.stringify(before.item) === JSON.stringify(after.item) &&
        JSON.stringify(before.status) === JSON.stringify(after.status),
);

function Sender({ name, userId }: { name: string; userId: string }): JSX.Element {
    return (
        <p className="bubble__sender">
            <bdi>{name}</bdi> <PersonBadge userId={userId} />
        </p>
    );
}

interface MetaProps {
    at: number;
    edited?: boolean;
    status?: MessageStatus | undefined;
    spelledOut?: boolean;
}

function Meta({ at, edited = false, status, spelledOut = false }: MetaProps): JSX.Element {
    return (
        <span className="bubble__meta">
            {edited && <span>{t.conversation.edited}</span>}
            <time dateTime={new Date(at).toISOString()}>{clock(at)}</time>
            {status && <Ticks status={status} spelledOut={spelledOut} />}
        </span>
    );
}

/** Something typed that the server has not confirmed yet, or has refused. */
export function QueuedBubble({
    item,
    onTakenBack,
}: {
    item: OutboxItem;
    onTakenBack: (text: string) => void;
}): JSX.Element {
    const outbox = useSession((session) => session.outbox);
    const online = useSession((session) => session.connection === "online");
    const request = item.type === REQUEST ? parse(RequestContentSchema, item.content) : undefined;
    const change = changeWords(item);
    const attached = item.attachment !== undefined || mediaOf(item.content) !== undefined;
    const text = typeof item.content["body"] === "string" ? item.content["body"] : "";
    const takeBack = async (): Promise<void> => {
        const taken = await outbox?.discard(item.txnId);
        if (taken && !request && !attached && change === undefined) onTakenBack(text);
    };
    return (
        <div className={request ? "bubble bubble--own bubble--card" : "bubble bubble--own"}>
            {request && <RequestCard content={request} />}
            {attached && <QueuedAttachmentView item={item} />}
            {!request && !attached && (
                <p className="bubble__text" dir="auto">
                    {change ?? text}
                </p>
            )}
            {item.state === "failed" ? (
                <div className="bubble__failed" role="alert">
                    <p>
                        <Icon name="warning" size={18} /> <strong>{t.outbox.failed}</strong> {item.error}
                    </p>
                    <div className="actions__row">
                        <button
                            type="button"
                            className="button"
                            onClick={() => void outbox?.retry(item.txnId)}
                        >
                            {t.outbox.retry}
                        </button>
                        <button
                            type="button"
                            className="button button--quiet"
                            onClick={() => void takeBack()}
                        >
                            {request || attached || change !== undefined ? t.outbox.remove : t.outbox.edit}
                        </button>
                    </div>
                </div>
            ) : (
                <span className="bubble__meta">
                    <time dateTime={new Date(item.createdAt).toISOString()}>{clock(item.createdAt)}</time>
                    <QueueTick item={item} online={online} />
                </span>
            )}
        </div>
    );
}

/** What a refused change of another message was, in words. */
function changeWords(item: OutboxItem): string | undefined {
    if (changes(item) === undefined) return undefined;
    if (item.type === "m.room.redaction") return t.actions.failedDelete;
    return item.type === "m.reaction" ? t.actions.failedReaction : t.actions.failedEdit;
}
