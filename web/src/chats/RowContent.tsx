import type { JSX, ReactNode } from "react";
import { t } from "../i18n/index.ts";
import { shortWhen } from "../i18n/time.ts";
import { Icon } from "../ui/Icon.tsx";
import { Avatar } from "../ui/parts.tsx";
import type { ChatSummary } from "./summary.ts";

/** What of a conversation its row shows. */
type Shown = Omit<ChatSummary, "marks">;

/** What stands in the row of a conversation, while the app runs and before: `signs` at its end, and a line of its own below. */
export function RowContent({
    chat,
    signs,
    children,
}: {
    chat: Shown;
    signs?: ReactNode;
    children?: ReactNode;
}): JSX.Element {
    return (
        <>
            <Avatar name={chat.title} patient={chat.patient} group={chat.kind === "group"} />
            <span className="row__main">
                <span className="row__line">
                    <span className="row__title">
                        <span className="visually-hidden">{t.chats.kinds[chat.kind]}: </span>
                        <bdi>{chat.title}</bdi>
                        {chat.place && <span className="muted"> {chat.place}</span>}
                    </span>
                    <span className="row__time">{shortWhen(chat.at, Date.now())}</span>
                </span>
                <span className="row__line">
                    <span className="row__sub" dir="auto">
                        {chat.own && `${t.chats.you} `}
                        {chat.preview}
                    </span>
                    {signs}
                </span>
                {children}
                {chat.urgent && (
                    <span className="row__flag row__flag--urgent">
                        <Icon name="urgent" size={16} />
                        {t.chats.urgent}
                    </span>
                )}
            </span>
        </>
    );
}
