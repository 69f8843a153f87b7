import { useEffect, useId, useRef, type JSX, type ReactNode } from "react";
import { createPortal } from "react-dom";
import { t } from "../i18n/index.ts";
import { Icon } from "./Icon.tsx";

interface DialogProps {
    title: string;
    onClose: () => void;
    children: ReactNode;
    wide?: boolean;
    /** Whether it may be left without an answer. */
    closable?: boolean;
}

/**
 * Draws what covers the screen beside the app and not where it was opened: a part of the app that goes out of sight (a list, when
 * a tablet is turned or the text made larger) would take it along, and leave a page that answers to nothing.
 */
export function over(cover: JSX.Element): JSX.Element {
    return createPortal(cover, document.getElementById("root") ?? document.body);
}

/** A modal dialog. Escape and the close button call `onClose`; focus returns to where it was. */
export function Dialog({
    title,
    onClose,
    children,
    wide = false,
    closable = true,
}: DialogProps): JSX.Element {
    const element = useRef<HTMLDialogElement>(null);
    const titleId = useId();
    useEffect(() => {
        const dialog = element.current;
        dialog?.showModal();
        // Opening gives the focus to the first button; what is there to be typed into comes first.
        dialog?.querySelector<HTMLElement>("[data-focus]")?.focus();
        return () => dialog?.close();
    }, []);
    return over(
        <dialog
            ref={element}
            className={wide ? "dialog dialog--wide" : "dialog"}
            aria-labelledby={titleId}
            onCancel={(event) => {
                // React hands on what a dialog (or a file chooser) within this one was told.
                if (event.target !== event.currentTarget) return;
                event.preventDefault();
                onClose();
            }}
        >
            <header className="dialog__head">
                <h2 id={titleId}>{title}</h2>
                {closable && (
                    <button type="button" className="icon-button" aria-label={t.app.close} onClick={onClose}>
                        <Icon name="close" />
                    </button>
                )}
            </header>
            <div className="dialog__body">{children}</div>
        </dialog>,
    );
}
