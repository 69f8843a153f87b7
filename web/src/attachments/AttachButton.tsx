import { useRef, useState, type ChangeEvent, type JSX, type RefObject } from "react";
import { t } from "../i18n/index.ts";
import { useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Camera } from "./Camera.tsx";
import { FileDialog } from "./FileDialog.tsx";
import { PhotoDialog } from "./PhotoDialog.tsx";
import { onCanvas, prepared } from "./picture.ts";

type Step =
    | { what: "choose"; problem?: string }
    | { what: "camera" }
    | { what: "photo"; canvas: HTMLCanvasElement }
    | { what: "file"; file: File };

/** Sends a photo or a file with the next message. */
export function AttachButton({ roomId, onSent }: { roomId: string; onSent: () => void }): JSX.Element {
    const outbox = useSession((session) => session.outbox);
    const [step, setStep] = useState<Step>();
    const close = (): void => setStep(undefined);

    /** Pictures go through the canvas however they were chosen: a photo sent as a "file" would keep its place and time. */
    const chosen = async (file: File): Promise<void> => {
        if (!file.type.startsWith("image/") || file.type === "image/svg+xml") {
            setStep({ what: "file", file });
            return;
        }
        try {
            setStep({ what: "photo", canvas: await onCanvas(file) });
        } catch {
            setStep({ what: "choose", problem: t.attachments.unreadable });
        }
    };
    const sendPhoto = async (canvas: HTMLCanvasElement, caption: string): Promise<void> => {
        const { full, thumbnail, info } = await prepared(canvas);
        const filename = t.attachments.photoFile;
        const content = { msgtype: "m.image", body: caption || filename, filename, info };
        await outbox?.add({ roomId, type: "m.room.message", content }, { full, thumbnail });
        close();
        onSent();
    };
    const sendFile = async (file: File): Promise<void> => {
        const info = { mimetype: file.type || "application/octet-stream", size: file.size };
        const content = { msgtype: "m.file", body: file.name, filename: file.name, info };
        await outbox?.add({ roomId, type: "m.room.message", content }, { full: file });
        close();
        onSent();
    };
    return (
        <>
            <button
                type="button"
                className="icon-button composer__attach"
                aria-label={t.attachments.button}
                onClick={() => setStep({ what: "choose" })}
            >
                <Icon name="attach" />
            </button>
            {step?.what === "choose" && (
                <Choose
                    problem={step.problem}
                    onCamera={() => setStep({ what: "camera" })}
                    onFile={(file) => void chosen(file)}
                    onClose={close}
                />
            )}
            {step?.what === "camera" && (
                <Camera onPhoto={(canvas) => setStep({ what: "photo", canvas })} onClose={close} />
            )}
            {step?.what === "photo" && (
                <PhotoDialog canvas={step.canvas} onSend={sendPhoto} onClose={close} />
            )}
            {step?.what === "file" && <FileDialog file={step.file} onSend={sendFile} onClose={close} />}
        </>
    );
}

interface ChooseProps {
    problem: string | undefined;
    onCamera: () => void;
    onFile: (file: File) => void;
    onClose: () => void;
}

function Choose({ problem, onCamera, onFile, onClose }: ChooseProps): JSX.Element {
    const picture = useRef<HTMLInputElement>(null);
    const file = useRef<HTMLInputElement>(null);
    const take = (event: ChangeEvent<HTMLInputElement>): void => {
        const chosen = event.target.files?.[0];
        if (chosen) onFile(chosen);
    };
    const input = (ref: RefObject<HTMLInputElement | null>, label: string, accept?: string): JSX.Element => (
        <input
            ref={ref}
            type="file"
            className="attach__input"
            accept={accept}
            aria-label={label}
            tabIndex={-1}
            onChange={take}
        />
    );
    return (
        <Dialog title={t.attachments.title} onClose={onClose}>
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            <div className="attach">
                <button type="button" className="attach__choice" onClick={onCamera}>
                    <Icon name="camera" />
                    <span>
                        <strong>{t.attachments.camera}</strong>
                        <span className="muted">{t.attachments.cameraHint}</span>
                    </span>
                </button>
                <button type="button" className="attach__choice" onClick={() => picture.current?.click()}>
                    <Icon name="picture" />
                    <span>
                        <strong>{t.attachments.picture}</strong>
                        <span className="muted">{t.attachments.pictureHint}</span>
                    </span>
                </button>
                <button type="button" className="attach__choice" onClick={() => file.current?.click()}>
                    <Icon name="file" />
                    <strong>{t.attachments.file}</strong>
                </button>
                {input(picture, t.attachments.picture, "image/*")}
                {input(file, t.attachments.file)}
            </div>
        </Dialog>
    );
}
