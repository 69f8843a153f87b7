import type { MatrixClient, Room } from "matrix-js-sdk";
import {
    useEffect,
    useId,
    useLayoutEffect,
    useMemo,
    useRef,
    useState,
    type FormEvent,
    type JSX,
    type KeyboardEvent,
    type RefObject,
} from "react";
import { AttachButton } from "../attachments/AttachButton.tsx";
import { t } from "../i18n/index.ts";
import {
    completed,
    fitting,
    mentionContent,
    namedIn,
    partialMention,
    type Mentionable,
} from "../matrix/mentions.ts";
import { loadedEvents } from "../matrix/loaded.ts";
import { useOutbox } from "../matrix/outbox.ts";
import { buildTimeline } from "../matrix/timeline.ts";
import { useClient, useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { useLook } from "../ui/theme.ts";
import { goOnWriting, sendWhenOpen, useSending } from "./hand-over.ts";
import { actionsFor, afterSending, composed, type ComposeMode } from "./actions.ts";
import { MentionList } from "./MentionList.tsx";
import { VoiceButton } from "../voice/VoiceButton.tsx";
import { useMentionable } from "./use-mentionable.ts";

/** Tell others at most this often that one is typing; the server forgets it after `TYPING_MS`. */
const TYPING_EVERY_MS = 8_000;
const TYPING_MS = 12_000;

interface ComposerProps {
    room: Room;
    text: string;
    /** What was kept of what is answered or changed has been read. */
    ready: boolean;
    onText: (text: string) => void;
    /** What is answered or changed, if anything. */
    mode: ComposeMode | undefined;
    onCompose: (mode: ComposeMode) => void;
    /** Ends answering or changing; `restore` brings back what stood here before. */
    onModeEnd: (restore: boolean) => void;
    /** Raises a request; absent where there is no patient. */
    onAsk?: (() => void) | undefined;
    onSent: () => void;
}

/** Where one writes. What is typed goes to the outbox at once and is kept there until the server has it. */
export function Composer(props: ComposerProps): JSX.Element {
    const { room, text, ready, onText, mode, onCompose, onModeEnd, onAsk, onSent } = props;
    const { roomId } = room;
    const outbox = useSession((session) => session.outbox);
    const typing = useTyping(roomId);
    const field = useRef<HTMLTextAreaElement>(null);
    const textSize = useLook((look) => look.text);
    const id = useId();
    const mentionable = useMentionable(room);
    const naming = useNaming(text, onText, field, mentionable);
    const [speaking, setSpeaking] = useState(false);
    const full = useOutbox((queue) => queue.full);

    useLayoutEffect(() => {
        const element = field.current;
        if (!element) return;
        element.style.height = "auto";
        element.style.height = `${element.scrollHeight}px`;
    }, [text, textSize]);

    // Before anything is painted: no key that is pressed meanwhile may be lost.
    useLayoutEffect(() => {
        // With a keyboard one writes at once; with a finger the keyboard on the screen would cover what there is to read.
        goOnWriting(roomId, field.current, matchMedia("(pointer: fine)").matches);
    }, [roomId]);

    const target = mode?.eventId;
    useEffect(() => {
        if (target === undefined) return;
        field.current?.focus({ preventScroll: true });
        field.current?.setSelectionRange(field.current.value.length, field.current.value.length);
    }, [target, mode?.kind]);

    const written = useRef(text);
    const leaving = useRef<string>(undefined);
    useLayoutEffect(() => {
        written.current = text;
    }, [text]);

    const send = async (): Promise<void> => {
        const body = text.trim();
        // Pressed twice, it is sent once: the words stand here until they are kept elsewhere.
        if (!body || !outbox || leaving.current === text) return;
        leaving.current = text;
        typing.stop();
        const mentions = mentionContent(namedIn(body, mentionable));
        try {
            await outbox.add({ roomId, ...composed(body, mode, mentions) });
        } catch {
            // What cannot be kept could be lost on its way: the words stay where they are.
            return;
        } finally {
            leaving.current = undefined;
        }
        onText(afterSending(text, written.current, mode?.kind === "edit" ? (mode.before ?? "") : ""));
        if (mode) onModeEnd(false);
        field.current?.focus();
        if (mode?.kind !== "edit") onSent();
    };
    useEffect(() => {
        if (!ready || !outbox) return;
        if (!useSending.getState().rooms.has(roomId)) return;
        sendWhenOpen(roomId, false);
        field.current?.form?.requestSubmit();
    }, [roomId, ready, outbox]);
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        void send();
    };
    const keyDown = (event: KeyboardEvent): void => {
        if (naming.keyDown(event)) return;
        if (event.key === "Escape" && mode) {
            event.preventDefault();
            onModeEnd(true);
            return;
        }
        if (event.key === "ArrowUp" && text === "" && !mode) {
            const last = lastOwnText(room);
            if (last) onCompose(last);
            return;
        }
        const plainEnter = event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing;
        // With a finger, Enter makes a new line; with a keyboard it sends.
        if (!plainEnter || !matchMedia("(pointer: fine)").matches) return;
        event.preventDefault();
        void send();
    };
    return (
        <form className="composer" onSubmit={submit}>
            {full && (
                <p className="notice notice--error composer__full" role="alert">
                    {t.outbox.full}
                </p>
            )}
            {mode && <ModeLine mode={mode} onEnd={() => onModeEnd(true)} />}
            {naming.found.length > 0 && (
                <MentionList
                    id={`${id}-names`}
                    found={naming.found}
                    at={naming.at}
                    onChoose={naming.choose}
                />
            )}
            {onAsk && (
                <button
                    type="button"
                    className="button composer__ask"
                    title={t.ask.buttonLong}
                    aria-keyshortcuts="Alt+A"
                    onClick={onAsk}
                >
                    {t.ask.button}
                </button>
            )}
            <AttachButton roomId={roomId} onSent={onSent} />
            <label htmlFor={id} className="visually-hidden">
                {t.conversation.composer}
            </label>
            <textarea
                autoComplete="off"
                id={id}
                ref={field}
                rows={1}
                dir="auto"
                placeholder={t.conversation.composer}
                aria-keyshortcuts="Alt+W"
                value={text}
                aria-autocomplete="list"
                aria-controls={naming.found.length > 0 ? `${id}-names` : undefined}
                aria-activedescendant={naming.found.length > 0 ? `${id}-names-${naming.at}` : undefined}
                onSelect={naming.look}
                onBlur={naming.close}
                onChange={(event) => {
                    onText(event.target.value);
                    if (event.target.value.trim()) typing.start();
                    else typing.stop();
                }}
                onKeyDown={keyDown}
            />
            {(text === "" && !mode) || speaking ? (
                <VoiceButton roomId={roomId} onSent={onSent} onActive={setSpeaking} />
            ) : (
                <button type="submit" className="icon-button composer__send" aria-label={t.conversation.send}>
                    <Icon name="send" />
                </button>
            )}
        </form>
    );
}

interface Naming {
    found: readonly Mentionable[];
    /** The one that Enter chooses. */
    at: number;
    look: () => void;
    close: () => void;
    choose: (one: Mentionable) => void;
    /** Takes the keys that belong to the list; `true` when it has. */
    keyDown: (event: KeyboardEvent) => boolean;
}

/** Naming people and roles after an `@`. */
function useNaming(
    text: string,
    onText: (text: string) => void,
    field: RefObject<HTMLTextAreaElement | null>,
    all: readonly Mentionable[],
): Naming {
    const [caret, setCaret] = useState<number>();
    const [at, setAt] = useState(0);
    const placed = useRef<number>(undefined);
    const partial = caret === undefined ? undefined : partialMention(text, caret);
    const found = partial ? fitting(all, partial.query) : [];
    const chosen = Math.min(at, Math.max(0, found.length - 1));
    useLayoutEffect(() => {
        if (placed.current === undefined) return;
        field.current?.setSelectionRange(placed.current, placed.current);
        placed.current = undefined;
    });
    const close = (): void => setCaret(undefined);
    const choose = (one: Mentionable): void => {
        if (!partial || caret === undefined) return;
        const next = completed(text, caret, partial.from, one.name);
        placed.current = next.caret;
        onText(next.text);
        close();
        field.current?.focus();
    };
    const keyDown = (event: KeyboardEvent): boolean => {
        const one = found[chosen];
        if (!one) return false;
        if (event.key === "ArrowDown") setAt((chosen + 1) % found.length);
        else if (event.key === "ArrowUp") setAt((chosen + found.length - 1) % found.length);
        else if (event.key === "Enter" || event.key === "Tab") choose(one);
        else if (event.key === "Escape") close();
        else return false;
        event.preventDefault();
        return true;
    };
    const look = (): void => {
        const element = field.current;
        if (!element || element.selectionStart !== element.selectionEnd) close();
        else if (element.selectionStart !== caret) {
            setCaret(element.selectionStart);
            setAt(0);
        }
    };
    return { found, at: chosen, look, close, choose, keyDown };
}

/** What is being answered or changed, above the field. */
function ModeLine({ mode, onEnd }: { mode: ComposeMode; onEnd: () => void }): JSX.Element {
    return (
        <div className="composer__mode" role="status">
            <Icon name={mode.kind} size={20} />
            <p className="quote quote--still">
                <strong>
                    {mode.kind === "edit" && t.actions.editing}
                    {mode.kind === "reply" && t.actions.replyingTo(mode.name ?? "")}
                    {mode.kind === "thread" && (mode.name ? t.actions.inThread(mode.name) : t.thread.answer)}
                </strong>
                <span className="quote__text">{mode.text}</span>
            </p>
            <button
                type="button"
                className="icon-button"
                aria-label={mode.kind === "edit" ? t.actions.endEdit : t.actions.endReply}
                onClick={onEnd}
            >
                <Icon name="close" />
            </button>
        </div>
    );
}

/** The newest message of this person, ready to be changed. */
function lastOwnText(room: Room): ComposeMode | undefined {
    const items = buildTimeline(room, loadedEvents(room));
    const last = items.findLast((item) => item.kind === "message" && item.own && !item.deleted);
    if (last?.kind !== "message") return undefined;
    if (!actionsFor(last, { forward: false, pin: false }).includes("edit")) return undefined;
    return { kind: "edit", eventId: last.key, text: last.text };
}

/** Tells others that one is typing, not more often than needed, and that one has stopped. */
class TypingNotifier {
    private last = 0;

    constructor(
        private readonly client: MatrixClient,
        private readonly roomId: string,
    ) {}

    readonly start = (): void => {
        if (Date.now() - this.last < TYPING_EVERY_MS) return;
        this.last = Date.now();
        this.tell(true);
    };

    readonly stop = (): void => {
        if (this.last === 0) return;
        this.last = 0;
        this.tell(false);
    };

    private tell(typing: boolean): void {
        void this.client.sendTyping(this.roomId, typing, typing ? TYPING_MS : 0).catch(() => undefined);
    }
}

function useTyping(roomId: string): TypingNotifier {
    const client = useClient();
    const notifier = useMemo(() => new TypingNotifier(client, roomId), [client, roomId]);
    useEffect(() => notifier.stop, [notifier]);
    return notifier;
}
