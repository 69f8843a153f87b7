import { useId, useLayoutEffect, useRef, type FormEvent, type JSX, type KeyboardEvent } from "react";
import { Link } from "wouter";
import type { Glimpse } from "../chats/glance.ts";
import { t } from "../i18n/index.ts";
import { useDraft } from "../matrix/drafts.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { Avatar, Loading } from "../ui/parts.tsx";
import { goOnWriting, leaveField, sendWhenOpen, useSending } from "./hand-over.ts";

/**
 * A conversation of the last visit before its messages can be read: who it is with, and the field where one writes. What is typed
 * is the conversation's draft; `Composer` goes on with it, and sends it if that was asked for here.
 */
export function OpeningConversation({ roomId, back }: { roomId: string; back: string }): JSX.Element {
    const chat = useSession(({ glance }) => glance?.find((one) => one.roomId === roomId));
    if (!chat) return <Loading />;
    return (
        <div className={`conversation${chat.patient ? " conversation--patient" : ""}`}>
            <header className="conversation__head">
                <Link className="icon-button conversation__back" href={back} aria-label={t.app.back}>
                    <Icon name="back" />
                </Link>
                <div className="person-head">
                    <Avatar name={chat.title} patient={chat.patient} group={chat.kind === "group"} />
                    <div>
                        <h2>
                            <bdi>{chat.title}</bdi>
                        </h2>
                        {chat.place && <p>{chat.place}</p>}
                    </div>
                </div>
            </header>
            <div className="opening">
                <Loading />
            </div>
            {!chat.ended && <OpeningField chat={chat} />}
        </div>
    );
}

function OpeningField({ chat }: { chat: Glimpse }): JSX.Element {
    const { roomId } = chat;
    const [text, setText] = useDraft(`message:${roomId}`, "");
    const send = useSending(({ rooms }) => rooms.has(roomId));
    const field = useRef<HTMLTextAreaElement>(null);
    const id = useId();
    useLayoutEffect(() => {
        const element = field.current;
        goOnWriting(roomId, element, matchMedia("(pointer: fine)").matches);
        return () => {
            if (element) leaveField(roomId, element);
        };
    }, [roomId]);
    useLayoutEffect(() => {
        const element = field.current;
        if (!element) return;
        element.style.height = "auto";
        element.style.height = `${element.scrollHeight}px`;
    }, [text]);
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        sendWhenOpen(roomId, text.trim() !== "");
    };
    const keyDown = (event: KeyboardEvent): void => {
        const plainEnter = event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing;
        if (!plainEnter || !matchMedia("(pointer: fine)").matches) return;
        submit(event);
    };
    return (
        <>
            {send && (
                <p className="typing" role="status">
                    {t.conversation.sendsWhenOpen}
                </p>
            )}
            <form className="composer" onSubmit={submit}>
                {chat.patient && (
                    <span className="button composer__ask composer__later" aria-hidden="true">
                        {t.ask.button}
                    </span>
                )}
                <span className="icon-button composer__later" aria-hidden="true">
                    <Icon name="attach" />
                </span>
                <label htmlFor={id} className="visually-hidden">
                    {t.conversation.composer}
                </label>
                <textarea
                    id={id}
                    ref={field}
                    rows={1}
                    dir="auto"
                    autoComplete="off"
                    placeholder={t.conversation.composer}
                    value={text}
                    onChange={(event) => {
                        sendWhenOpen(roomId, false);
                        setText(event.target.value);
                    }}
                    onKeyDown={keyDown}
                />
                {text === "" ? (
                    <span className="icon-button composer__later" aria-hidden="true">
                        <Icon name="microphone" />
                    </span>
                ) : (
                    <button
                        type="submit"
                        className="icon-button composer__send"
                        aria-label={t.conversation.send}
                    >
                        <Icon name="send" />
                    </button>
                )}
            </form>
        </>
    );
}
