import { useState, type JSX } from "react";
import { Link } from "wouter";
import { t } from "../i18n/index.ts";
import { setMark, type Mark } from "../matrix/marks.ts";
import { PersonBadge } from "../people/PersonBadge.tsx";
import { useClient } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { Menu, MenuItem, type Anchor } from "../ui/Menu.tsx";
import { UnreadBadge } from "../ui/parts.tsx";
import { useLongPress } from "../ui/use-long-press.ts";
import { RowContent } from "./RowContent.tsx";
import type { ChatSummary } from "./summary.ts";

/** One conversation in the list, with what can be done with it: by its button, a long press or a right click. */
export function ChatRow({ chat, open }: { chat: ChatSummary; open: boolean }): JSX.Element {
    const [menu, setMenu] = useState<Anchor>();
    const [failed, setFailed] = useState(false);
    const press = useLongPress(setMenu);
    return (
        <li className="chat" {...press}>
            <Link
                className={chat.news ? "row row--unread" : "row"}
                href={`/chats/${encodeURIComponent(chat.roomId)}`}
                aria-current={open ? "page" : undefined}
                draggable={false}
            >
                <RowContent chat={chat} signs={<Signs chat={chat} />}>
                    {chat.other !== undefined && <PersonBadge userId={chat.other} />}
                </RowContent>
            </Link>
            <button
                type="button"
                className="chat__more"
                aria-label={t.chats.more(chat.title)}
                aria-haspopup="menu"
                onClick={(event) => {
                    const box = event.currentTarget.getBoundingClientRect();
                    setMenu({ x: box.left, y: box.bottom });
                }}
            >
                <Icon name="more" size={20} />
            </button>
            {failed && (
                <p className="field-error chat__failed" role="alert">
                    {t.chats.failed}
                </p>
            )}
            {menu && (
                <ChatMenu chat={chat} anchor={menu} onClose={() => setMenu(undefined)} onFailed={setFailed} />
            )}
        </li>
    );
}

/** Pinned, silent, unread: signs with words for screen readers. */
function Signs({ chat }: { chat: ChatSummary }): JSX.Element {
    const { marks } = chat;
    return (
        <span className="chat__signs">
            {marks.muted && <Sign icon="mute" words={t.chats.marks.muted} />}
            {marks.pinned && <Sign icon="pin" words={t.chats.marks.pinned} />}
            {chat.unread > 0 ? (
                <UnreadBadge count={chat.unread} />
            ) : (
                chat.news && (
                    <span className="unread unread--quiet">
                        <span className="visually-hidden">{t.chats.marks.unread}</span>
                    </span>
                )
            )}
        </span>
    );
}

function Sign({ icon, words }: { icon: "mute" | "pin"; words: string }): JSX.Element {
    return (
        <span className="chat__sign">
            <Icon name={icon} size={16} />
            <span className="visually-hidden">{words}</span>
        </span>
    );
}

interface ChatMenuProps {
    chat: ChatSummary;
    anchor: Anchor;
    onClose: () => void;
    onFailed: (failed: boolean) => void;
}

const icons = { pinned: "pin", muted: "mute", unread: "chats", archived: "archive" } as const;
const order: readonly Mark[] = ["pinned", "muted", "unread", "archived"];
const HEIGHT_PX = 220;

function ChatMenu({ chat, anchor, onClose, onFailed }: ChatMenuProps): JSX.Element {
    const client = useClient();
    const choose = (mark: Mark): void => {
        onClose();
        onFailed(false);
        const room = client.getRoom(chat.roomId);
        if (room) setMark(client, room, mark, !chat.marks[mark]).catch(() => onFailed(true));
    };
    return (
        <Menu label={t.chats.more(chat.title)} anchor={anchor} height={HEIGHT_PX} onClose={onClose}>
            {order.map((mark) => (
                <MenuItem key={mark} icon={icons[mark]} onChoose={() => choose(mark)}>
                    {chat.marks[mark] ? t.chats.unset[mark] : t.chats.set[mark]}
                </MenuItem>
            ))}
        </Menu>
    );
}
