import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import type { IconName } from "../ui/Icon.tsx";
import { Menu, MenuItem, type Anchor } from "../ui/Menu.tsx";
import { actionsFor, quickReactions, type Actionable, type Allowed, type MessageAction } from "./actions.ts";

const icons: Record<MessageAction, IconName> = {
    reply: "reply",
    thread: "thread",
    forward: "forward",
    pin: "pin",
    unpin: "pin",
    edit: "edit",
    copy: "copy",
    info: "information",
    delete: "delete",
};

const HEIGHT_PX = 500;

interface MenuProps {
    item: Actionable;
    allowed: Allowed;
    anchor: Anchor;
    onAction: (action: MessageAction) => void;
    onReact: (key: string) => void;
    onClose: () => void;
}

/** What can be done with a message. */
export function MessageMenu({ item, allowed, anchor, onAction, onReact, onClose }: MenuProps): JSX.Element {
    const canReact = item.kind === "request" || !item.deleted;
    return (
        <Menu label={t.actions.menu} anchor={anchor} height={HEIGHT_PX} onClose={onClose}>
            {canReact && (
                <div role="group" aria-label={t.actions.react} className="menu__signs">
                    {quickReactions.map((key) => (
                        <button
                            key={key}
                            type="button"
                            role="menuitemcheckbox"
                            aria-checked={item.reactions.some(
                                (one) => one.key === key && one.mine !== undefined,
                            )}
                            aria-label={t.actions.signName(key)}
                            title={t.actions.signName(key)}
                            onClick={() => onReact(key)}
                        >
                            {key}
                        </button>
                    ))}
                </div>
            )}
            {actionsFor(item, allowed).map((action) => (
                <MenuItem
                    key={action}
                    icon={icons[action]}
                    danger={action === "delete"}
                    onChoose={() => onAction(action)}
                >
                    {t.actions.names[action]}
                </MenuItem>
            ))}
        </Menu>
    );
}
