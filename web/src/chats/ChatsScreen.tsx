import { useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { Hint } from "../help/Hint.tsx";
import { useSession } from "../session/store.ts";
import { Empty, Loading } from "../ui/parts.tsx";
import { ChatRow } from "./ChatRow.tsx";
import { Invitations } from "./Invitations.tsx";
import { NewChat } from "./NewChat.tsx";
import { useKeptGlance } from "./keep-glance.ts";
import { chatFilters, passes, type ChatFilter } from "./summary.ts";
import { useChats } from "./use-chats.ts";

/** The list of conversations. */
export function ChatsScreen({ openRoom }: { openRoom: string | undefined }): JSX.Element {
    const loaded = useSession((session) => session.loaded);
    const [chosen, setFilter] = useState<ChatFilter>("all");
    const chats = useChats();
    useKeptGlance(chats);
    const archived = chats.filter((chat) => chat.marks.archived).length;
    // What is put away has a place only while there is something in it.
    const filter = chosen === "archived" && archived === 0 ? "all" : chosen;
    const shown = chats.filter((chat) => passes(chat, filter));
    const filters = chatFilters.filter((value) => value !== "archived" || archived > 0);
    return (
        <>
            <div className="filters" role="group" aria-label={t.chats.filter}>
                <span className="filters__chips">
                    {filters.map((value) => (
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
                </span>
                <NewChat />
            </div>
            {loaded && chats.length > 0 && <Hint name="chats" />}
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

function NothingHere({ filter }: { filter: ChatFilter }): JSX.Element {
    if (filter === "urgent") return <Empty icon="urgent">{t.chats.emptyUrgent}</Empty>;
    if (filter === "patients") return <Empty icon="patients">{t.chats.emptyPatients}</Empty>;
    if (filter === "roles") return <Empty icon="on-call">{t.chats.emptyRoles}</Empty>;
    return (
        <Empty icon="chats" title={t.chats.emptyTitle}>
            {t.chats.empty}
        </Empty>
    );
}
