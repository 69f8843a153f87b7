import { useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { fileSize } from "./format.ts";

/** Shows what is about to be sent. */
export function FileDialog({
    file,
    onSend,
    onClose,
}: {
    file: File;
    onSend: (file: File) => Promise<void>;
    onClose: () => void;
}): JSX.Element {
    const [busy, setBusy] = useState(false);
    const [full, setFull] = useState(false);
    const send = (): void => {
        if (busy) return;
        setBusy(true);
        onSend(file).catch(() => {
            setBusy(false);
            setFull(true);
        });
    };
    return (
        <Dialog title={t.attachments.sendFile} onClose={onClose}>
            <div className="attach">
                <p className="file">
                    <Icon name="file" />
                    <span className="file__name">
                        <strong>{file.name}</strong>
                        <span className="muted">{fileSize(file.size)}</span>
                    </span>
                </p>
                <p className="muted">{t.attachments.fileHint}</p>
                {full && (
                    <p className="notice notice--error" role="alert">
                        {t.outbox.full}
                    </p>
                )}
                <button type="button" className="button button--primary" aria-disabled={busy} onClick={send}>
                    {t.attachments.send}
                </button>
            </div>
        </Dialog>
    );
}
