import { useEffect, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { OutboxItem } from "../matrix/outbox-logic.ts";
import { useUploads } from "../matrix/uploads.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { soundOf } from "../voice/content.ts";

/** An attachment on its way: what it is, how much is sent, and a way to stop it. */
export function QueuedAttachmentView({ item }: { item: OutboxItem }): JSX.Element {
    const outbox = useSession((session) => session.outbox);
    const share = useUploads(({ shares }) => shares[item.txnId]);
    const preview = usePreview(item.attachment?.thumbnail);
    const voice = item.content["msgtype"] === "m.audio" && soundOf(item.content).voice;
    const filename = typeof item.content["filename"] === "string" ? item.content["filename"] : "";
    const name = voice ? t.voice.name : filename;
    return (
        <div className="file">
            {preview === undefined ? (
                <Icon name={voice ? "microphone" : "file"} />
            ) : (
                <img className="file__preview" src={preview} alt="" />
            )}
            <span className="file__name">
                <strong>{name}</strong>
                {item.state !== "failed" && item.attachment && (
                    <progress value={share ?? 0} max={1} aria-label={t.attachments.uploading} />
                )}
            </span>
            {item.attachment && item.state !== "failed" && (
                <button
                    type="button"
                    className="icon-button"
                    aria-label={t.attachments.cancelUpload}
                    onClick={() => void outbox?.cancel(item.txnId)}
                >
                    <Icon name="close" />
                </button>
            )}
        </div>
    );
}

function usePreview(record: string | undefined): string | undefined {
    const vault = useSession((session) => session.vault);
    const [address, setAddress] = useState<string>();
    useEffect(() => {
        let made: string | undefined;
        let current = true;
        if (record !== undefined) {
            void vault?.getBytes(record).then((bytes) => {
                if (!bytes || !current) return;
                made = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
                setAddress(made);
            });
        }
        return () => {
            current = false;
            if (made !== undefined) URL.revokeObjectURL(made);
        };
    }, [vault, record]);
    return address;
}
