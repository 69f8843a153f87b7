import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";

/** Asks once before a message is deleted for everybody. */
export function DeleteDialog({
    text,
    onDelete,
    onClose,
}: {
    text: string;
    onDelete: () => void;
    onClose: () => void;
}): JSX.Element {
    return (
        <Dialog title={t.actions.deleteTitle} onClose={onClose}>
            <blockquote className="quote quote--still">
                <span className="quote__text">{text}</span>
            </blockquote>
            <p>{t.actions.deleteBody}</p>
            <div className="actions__row">
                <button type="button" className="button button--danger" onClick={onDelete}>
                    {t.actions.deleteConfirm}
                </button>
                <button type="button" className="button" onClick={onClose}>
                    {t.app.cancel}
                </button>
            </div>
        </Dialog>
    );
}
