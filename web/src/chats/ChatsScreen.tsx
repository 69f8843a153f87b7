import { useState, type JSX } from "react";
import { Link } from "wouter";
import { t } from "../i18n/index.ts";
import { shortWhen } from "../i18n/time.ts";
import { UnreadBadge } from "../patients/PatientsScreen.tsx";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { Avatar, Empty, Loading } from "../ui/parts.tsx";
import { Invitations } from "./Invitations.tsx";
import { NewChat } from "./NewChat.tsx";
import { chatFilters, passes, type ChatFilter, type ChatSummary } from "./summary.ts";
import { useChats } from "./use-chats.ts";

/** The list of conversations. */
export function ChatsScreen({ openRoom }: { openRoom: string | undefined }): JSX.Element {
    const loaded = useSession((session) => session.loaded);
    const [filter, setFilter] = useState<ChatFilter>("all");
    const chats = useChats();
    const shown = chats.filter((chat) => passes(chat, filter));
    return (
        <>
            <div className="filters" role="group" aria-label={t.chats.filter}>
                {chatFilters.map((value) => (
                    <button
                        key={value}
                        type="button"
                        className="chip"
                        aria-pressed={filter === value}
                        onClick={() => setFilter(value)}
                    >
                        {t.chats.filters[value]}
                    </button>
                ))}
                <NewChat />
            </div>
            {loaded && filter === "all" && <Invitations />}
            {loaded ? (
                <ul className="rows">
                    {shown.map((chat) => (
                        <ChatRow key={chat.roomId} chat={chat} open={chat.roomId === openRoom} />
                    ))}
                </ul>
            ) : (
                <Loading />
            )}
            {loaded && shown.length === 0 && <NothingHere filter={filter} />}
        </>
    );
}

function ChatRow({ chat, open }: { chat: ChatSummary; open: boolean }): JSX.Element {
    return (
        <li>
            <Link
                className={chat.unread > 0 ? "row row--unread" : "row"}
                href={`/chats/${encodeURIComponent(chat.roomId)}`}
                aria-current={open ? "page" : undefined}
            >
                <Avatar name={chat.title} patient={chat.patient} />
                <span className="row__main">
                    <span className="row__line">
                        <span className="row__title">
                            <span className="visually-hidden">
                                {chat.patient ? t.chats.patient : t.chats.person}:{" "}
                            </span>
                            {chat.title}
                            {chat.place && <span className="muted"> {chat.place}</span>}
                        </span>
                        <span className="row__time">{shortWhen(chat.at, Date.now())}</span>
                    </span>
                    <span className="row__line">
                        <span className="row__sub">
                            {chat.own && `${t.chats.you} `}
                            {chat.preview}
                        </span>
                        {chat.unread > 0 && <UnreadBadge count={chat.unread} />}
                    </span>
                    {chat.urgent && (
                        <span className="row__flag row__flag--urgent">
                            <Icon name="urgent" size={16} />
                            {t.chats.urgent}
                        </span>
                    )}
                </span>
            </Link>
        </li>
    );
}

function NothingHere({ filter }: { filter: ChatFilter }): JSX.Element {
    if (filter === "urgent") return <Empty icon="urgent">{t.chats.emptyUrgent}</Empty>;
    if (filter === "patients") return <Empty icon="patients">{t.chats.emptyPatients}</Empty>;
    return (
        <Empty icon="chats" title={t.chats.emptyTitle}>
            {t.chats.empty}
        </Empty>
    );
}
