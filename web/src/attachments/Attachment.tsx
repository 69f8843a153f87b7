import { lazy, Suspense, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { Media } from "../matrix/media.ts";
import { Icon } from "../ui/Icon.tsx";
import { VoiceNote } from "../voice/VoiceNote.tsx";
import { fileSize } from "./format.ts";
import { fitted } from "./picture.ts";
import { Placeholder } from "./Placeholder.tsx";
import { useSaving } from "./saving.ts";
import { usePicture } from "./use-picture.ts";
import { Viewer } from "./Viewer.tsx";

/** What reads documents is large, and most people open none. */
const DocumentViewer = lazy(() => import("./DocumentViewer.tsx"));

/** A picture, a sound or a file in a message. */
export function Attachment({ media }: { media: Media }): JSX.Element {
    if (media.picture) return <Picture media={media} />;
    if (media.sound) return <VoiceNote media={media} sound={media.sound} />;
    return <FileRow media={media} />;
}

function Picture({ media }: { media: Media }): JSX.Element {
    const [open, setOpen] = useState(false);
    const { address, failed, tryAgain } = usePicture(media);
    // Its place is kept from the start, so that nothing jumps when it arrives.
    const { width, height } = fitted(media.width, media.height, 320);
    const label = t.attachments.open(media.caption || t.attachments.photo);
    return (
        <>
            <button
                type="button"
                className="picture"
                style={{ width, aspectRatio: `${width} / ${height}` }}
                aria-label={failed ? t.attachments.tryAgain : label}
                onClick={() => (failed ? tryAgain() : setOpen(true))}
            >
                {address === undefined ? <Placeholder hash={media.blurhash} /> : <img src={address} alt="" />}
                {failed && (
                    <span className="picture__failed">
                        <Icon name="warning" size={20} /> {t.attachments.failed}
                    </span>
                )}
            </button>
            {open && <Viewer media={media} preview={address} onClose={() => setOpen(false)} />}
        </>
    );
}

/** A document: shown here page by page where that is possible, or fetched, checked and decrypted and handed to the device. */
export function FileRow({ media }: { media: Media }): JSX.Element {
    const { share, failed, start, stop } = useSaving(media);
    const [open, setOpen] = useState(false);
    const busy = share !== undefined;
    const words = (
        <>
            <Icon name="file" />
            <span className="file__name">
                <strong>{media.name}</strong>
                {media.size !== undefined && <span className="muted">{fileSize(media.size)}</span>}
                {busy && <progress value={share} max={1} aria-label={t.attachments.downloading} />}
                {failed && (
                    <span className="field-error" role="alert">
                        {t.attachments.failed}
                    </span>
                )}
            </span>
        </>
    );
    return (
        <div className="file">
            {media.pages ? (
                <button
                    type="button"
                    className="file__open"
                    aria-label={t.document.open(media.name)}
                    onClick={() => setOpen(true)}
                >
                    {words}
                </button>
            ) : (
                words
            )}
            <button
                type="button"
                className="icon-button"
                aria-label={busy ? t.app.cancel : t.attachments.download(media.name)}
                onClick={() => (busy ? stop() : start())}
            >
                <Icon name={busy ? "close" : "download"} />
            </button>
            {open && (
                <Suspense fallback={null}>
                    <DocumentViewer media={media} onSave={start} onClose={() => setOpen(false)} />
                </Suspense>
            )}
        </div>
    );
}
