import type { JSX } from "react";
import { Link, Redirect } from "wouter";
import { RowContent } from "./chats/RowContent.tsx";
import { OpeningConversation } from "./conversation/OpeningConversation.tsx";
import { Frame, Places, useAddress } from "./Frame.tsx";
import { t } from "./i18n/index.ts";
import { pageOf } from "./paths.ts";
import { careful } from "./session/careful.ts";
import { nobodyTalks, useAutoLock } from "./session/use-auto-lock.ts";
import { useSession } from "./session/store.ts";
import { Loading, UnreadBadge } from "./ui/parts.tsx";

/** What is seen of the app while its session is opened: the conversations as they were last seen, and where one writes. */
export function Opening(): JSX.Element {
    const { place, opened } = useAddress();
    // It may take long where the network is bad.
    useAutoLock(careful, nobodyTalks);
    if (!place) return <Redirect to="/chats" replace />;
    return (
        <Frame
            place={place}
            opened={opened}
            places={<Places current={place} />}
            list={
                <div className="pane__body" aria-busy="true">
                    {place === "chats" ? (
                        <>
                            <div className="filters filters--opening" aria-hidden="true">
                                <span className="chip">{t.chats.filters.all}</span>
                            </div>
                            <LastSeen opened={opened} />
                        </>
                    ) : (
                        <Loading />
                    )}
                </div>
            }
            detail={
                opened !== undefined &&
                (pageOf(opened) ? (
                    <Loading />
                ) : (
                    <OpeningConversation key={opened} roomId={opened} back={`/${place}`} />
                ))
            }
        />
    );
}

/** The list of conversations as it was when the last visit ended. */
function LastSeen({ opened }: { opened: string | undefined }): JSX.Element {
    const glance = useSession((session) => session.glance);
    if (!glance) return <Loading />;
    return (
        <ul className="rows">
            {glance
                .filter(({ listed }) => listed)
                .map((chat) => (
                    <li key={chat.roomId} className="chat">
                        <Link
                            className={chat.news ? "row row--unread" : "row"}
                            href={`/chats/${encodeURIComponent(chat.roomId)}`}
                            aria-current={chat.roomId === opened ? "page" : undefined}
                        >
                            <RowContent
                                chat={chat}
                                signs={
                                    chat.unread > 0 && (
                                        <span className="chat__signs">
                                            <UnreadBadge count={chat.unread} />
                                        </span>
                                    )
                                }
                            />
                        </Link>
                    </li>
                ))}
        </ul>
    );
}
