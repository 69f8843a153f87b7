import { decode, isBlurhashValid } from "blurhash";
import { useEffect, useRef, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { Media } from "../matrix/media.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { fileSize } from "./format.ts";
import { fitted } from "./picture.ts";
import { Viewer } from "./Viewer.tsx";

/** A picture or a file in a message. */
export function Attachment({ media }: { media: Media }): JSX.Element {
    return media.picture ? <Picture media={media} /> : <FileRow media={media} />;
}

function Picture({ media }: { media: Media }): JSX.Element {
    const [open, setOpen] = useState(false);
    const [asked, setAsked] = useState(0);
    const store = useSession((session) => session.media);
    const [address, setAddress] = useState<string>();
    const [failed, setFailed] = useState(false);
    const file = media.thumbnail ?? media.file;
    useEffect(() => {
        let current = true;
        store?.picture(file, media.thumbnail ? "image/jpeg" : media.type).then(
            (found) => current && setAddress(found),
            () => current && setFailed(true),
        );
        return () => {
            current = false;
        };
    }, [store, file, media.thumbnail, media.type, asked]);
    const tryAgain = (): void => {
        setFailed(false);
        setAsked(asked + 1);
    };
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

/** The colours of a picture before it is there. */
function Placeholder({ hash }: { hash: string | undefined }): JSX.Element {
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        const context = canvas.current?.getContext("2d");
        if (!context || hash === undefined || !isBlurhashValid(hash).result) return;
        context.putImageData(new ImageData(new Uint8ClampedArray(decode(hash, 32, 32)), 32, 32), 0, 0);
    }, [hash]);
    return <canvas ref={canvas} width={32} height={32} aria-hidden="true" />;
}

/** A document: fetched, checked and decrypted here, then handed to the device. */
function FileRow({ media }: { media: Media }): JSX.Element {
    const store = useSession((session) => session.media);
    const [share, setShare] = useState<number>();
    const [failed, setFailed] = useState(false);
    const running = useRef<AbortController>(undefined);
    useEffect(() => () => running.current?.abort(), []);
    const download = async (): Promise<void> => {
        const controller = new AbortController();
        running.current = controller;
        setShare(0);
        setFailed(false);
        try {
            const bytes = await store?.open(media.file, { signal: controller.signal, onProgress: setShare });
            if (bytes) save(new Blob([bytes], { type: "application/octet-stream" }), media.name);
        } catch {
            setFailed(!controller.signal.aborted);
        }
        setShare(undefined);
    };
    const busy = share !== undefined;
    return (
        <div className="file">
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
            <button
                type="button"
                className="icon-button"
                aria-label={busy ? t.app.cancel : t.attachments.download(media.name)}
                onClick={() => (busy ? running.current?.abort() : void download())}
            >
                <Icon name={busy ? "close" : "download"} />
            </button>
        </div>
    );
}

function save(blob: Blob, name: string): void {
    const href = URL.createObjectURL(blob);
    Object.assign(document.createElement("a"), { href, download: name }).click();
    // The browser has taken the address over by then.
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
