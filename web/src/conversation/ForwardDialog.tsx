import type { Room } from "matrix-js-sdk";
import { useId, useState, type JSX } from "react";
import { useChats } from "../chats/use-chats.ts";
import { t } from "../i18n/index.ts";
import { useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Avatar } from "../ui/parts.tsx";
import { forwarded, type Actionable } from "./actions.ts";
import { wordsOf } from "./words.ts";

/** Passes a message on to another conversation: what goes where is shown before it goes. */
export function ForwardDialog({
    room,
    item,
    onClose,
}: {
    room: Room;
    item: Actionable;
    onClose: () => void;
}): JSX.Element {
    const outbox = useSession((session) => session.outbox);
    const chats = useChats();
    const [wanted, setWanted] = useState("");
    const [chosen, setChosen] = useState<{ roomId: string; title: string }>();
    const [full, setFull] = useState(false);
    const id = useId();
    const found = chats
        .filter((chat) => chat.roomId !== room.roomId)
        .filter((chat) => chat.title.toLowerCase().includes(wanted.trim().toLowerCase()));
    const send = async (): Promise<void> => {
        const content = room.findEventById(item.key)?.getContent();
        if (!content || !chosen) return;
        try {
            await outbox?.add({ roomId: chosen.roomId, ...forwarded(content) });
            onClose();
        } catch {
            setFull(true);
        }
    };
    return (
        <Dialog title={t.forward.title} onClose={onClose}>
            <div className="info">
                <blockquote className="quote quote--still">
                    <span className="quote__text">{wordsOf(item)}</span>
                </blockquote>
                {chosen ? (
                    <>
                        <p>{t.forward.confirm(chosen.title)}</p>
                        <p className="muted">{t.forward.hint}</p>
                        {full && (
                            <p className="notice notice--error" role="alert">
                                {t.outbox.full}
                            </p>
                        )}
                        <div className="actions__row">
                            <button
                                type="button"
                                className="button button--primary"
                                onClick={() => void send()}
                            >
                                {t.forward.send}
                            </button>
                            <button type="button" className="button" onClick={() => setChosen(undefined)}>
                                {t.app.back}
                            </button>
                        </div>
                    </>
                ) : (
                    <>
                        <label htmlFor={id}>{t.forward.search}</label>
                        <input
                            autoComplete="off"
                            id={id}
                            type="search"
                            value={wanted}
                            onChange={(event) => setWanted(event.target.value)}
                        />
                        <ul className="rows">
                            {found.map((chat) => (
                                <li key={chat.roomId}>
                                    <button
                                        type="button"
                                        className="row"
                                        onClick={() => setChosen({ roomId: chat.roomId, title: chat.title })}
                                    >
                                        <Avatar name={chat.title} patient={chat.patient} />
                                        <span className="row__main">
                                            <span className="row__title">{chat.title}</span>
                                            <span className="row__sub">{chat.place}</span>
                                        </span>
                                    </button>
                                </li>
                            ))}
                        </ul>
                        {found.length === 0 && <p className="muted">{t.forward.nothing}</p>}
                    </>
                )}
            </div>
        </Dialog>
    );
}
