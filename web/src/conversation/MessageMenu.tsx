import { useEffect, useRef, type CSSProperties, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { Icon, type IconName } from "../ui/Icon.tsx";
import { actionsFor, quickReactions, type Actionable, type Allowed, type MessageAction } from "./actions.ts";

/** Where the menu opens: beside its button, or where the finger was. */
export interface Anchor {
    x: number;
    y: number;
}

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

const WIDTH_PX = 304;
const HEIGHT_PX = 500;

/** On a wide screen it stands by the message, always inside the window; on a phone the style sheet puts it at the bottom. */
function place({ x, y }: Anchor): CSSProperties {
    return {
        left: Math.max(8, Math.min(x, window.innerWidth - WIDTH_PX - 8)),
        top: Math.max(8, Math.min(y, window.innerHeight - HEIGHT_PX)),
    };
}

interface MenuProps {
    item: Actionable;
    allowed: Allowed;
    anchor: Anchor;
    onAction: (action: MessageAction) => void;
    onReact: (key: string) => void;
    onClose: () => void;
}

/** What can be done with a message. Arrow keys move, Escape closes, the focus returns to where it was. */
export function MessageMenu({ item, allowed, anchor, onAction, onReact, onClose }: MenuProps): JSX.Element {
    const element = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const dialog = element.current;
        if (!dialog) return undefined;
        dialog.showModal();
        dialog.addEventListener("keydown", moveFocus);
        return () => {
            dialog.removeEventListener("keydown", moveFocus);
            dialog.close();
        };
    }, []);
    useEffect(() => {
        const dialog = element.current;
        // The backdrop is part of the dialog, what is in the menu is not. A press, not a click: the finger that opened the
        // menu still has to be lifted.
        const outside = (event: Event): void => {
            if (event.target === dialog) onClose();
        };
        dialog?.addEventListener("pointerdown", outside);
        return () => dialog?.removeEventListener("pointerdown", outside);
    }, [onClose]);
    const canReact = item.kind === "request" || !item.deleted;
    return (
        <dialog
            ref={element}
            className="menu"
            style={place(anchor)}
            aria-label={t.actions.menu}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
        >
            <div role="menu" aria-label={t.actions.menu} className="menu__list">
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
                    <button
                        key={action}
                        type="button"
                        role="menuitem"
                        className={action === "delete" ? "menu__item menu__item--danger" : "menu__item"}
                        onClick={() => onAction(action)}
                    >
                        <Icon name={icons[action]} size={20} />
                        {t.actions.names[action]}
                    </button>
                ))}
            </div>
        </dialog>
    );
}

const steps: Record<string, number | undefined> = {
    ArrowDown: 1,
    ArrowRight: 1,
    ArrowUp: -1,
    ArrowLeft: -1,
};

function moveFocus(event: KeyboardEvent): void {
    const step = steps[event.key];
    if (step === undefined || !(event.currentTarget instanceof HTMLElement)) return;
    event.preventDefault();
    const buttons = [...event.currentTarget.querySelectorAll("button")];
    const at = buttons.findIndex((button) => button === document.activeElement);
    buttons.at((at + step + buttons.length) % buttons.length)?.focus();
}
