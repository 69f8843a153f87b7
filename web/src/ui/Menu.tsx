import { useEffect, useRef, type CSSProperties, type JSX, type ReactNode } from "react";
import { over } from "./Dialog.tsx";
import { Icon, type IconName } from "./Icon.tsx";

/** Where a menu opens: beside its button, or where the finger was. */
export interface Anchor {
    x: number;
    y: number;
}

const WIDTH_PX = 304;

/** On a wide screen it stands by the thing, always inside the window; on a phone the style sheet puts it at the bottom. */
function place({ x, y }: Anchor, height: number): CSSProperties {
    return {
        left: Math.max(8, Math.min(x, window.innerWidth - WIDTH_PX - 8)),
        top: Math.max(8, Math.min(y, window.innerHeight - height)),
    };
}

interface MenuProps {
    label: string;
    anchor: Anchor;
    /** The most it takes, in pixels. */
    height: number;
    onClose: () => void;
    children: ReactNode;
}

/** What can be done with a thing. Arrow keys move, Escape closes, the focus returns to where it was. */
export function Menu({ label, anchor, height, onClose, children }: MenuProps): JSX.Element {
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
    return over(
        <dialog
            ref={element}
            className="menu"
            style={place(anchor, height)}
            aria-label={label}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
        >
            <div role="menu" aria-label={label} className="menu__list">
                {children}
            </div>
        </dialog>,
    );
}

interface MenuItemProps {
    icon: IconName;
    danger?: boolean;
    onChoose: () => void;
    children: ReactNode;
}

export function MenuItem({ icon, danger = false, onChoose, children }: MenuItemProps): JSX.Element {
    return (
        <button
            type="button"
            role="menuitem"
            className={danger ? "menu__item menu__item--danger" : "menu__item"}
            onClick={onChoose}
        >
            <Icon name={icon} size={20} />
            {children}
        </button>
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
