import { useEffect, useLayoutEffect, useRef, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { Media } from "../matrix/media.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";

const MOST = 6;

interface ViewerProps {
    media: Media;
    /** The small picture, shown until the large one is there. */
    preview: string | undefined;
    onClose: () => void;
}

/** A picture on the whole screen. Plus, minus and 0 zoom, arrows and fingers move it, Escape closes. */
export function Viewer({ media, preview, onClose }: ViewerProps): JSX.Element {
    const element = useRef<HTMLDialogElement>(null);
    const store = useSession((session) => session.media);
    const [address, setAddress] = useState(preview);
    const [zoom, setZoom] = useState(1);
    useEffect(() => {
        const dialog = element.current;
        const key = (event: KeyboardEvent): void => {
            if (event.key === "+" || event.key === "=") setZoom((now) => Math.min(MOST, now * 1.5));
            else if (event.key === "-") setZoom((now) => Math.max(1, now / 1.5));
            else if (event.key === "0") setZoom(1);
        };
        dialog?.showModal();
        dialog?.addEventListener("keydown", key);
        return () => {
            dialog?.removeEventListener("keydown", key);
            dialog?.close();
        };
    }, []);
    useEffect(() => {
        let current = true;
        store?.picture(media.file, media.type).then(
            (found) => current && setAddress(found),
            () => undefined,
        );
        return () => {
            current = false;
        };
    }, [store, media.file, media.type]);
    const scroller = useRef<HTMLDivElement>(null);
    const before = useRef(1);
    useLayoutEffect(() => {
        const view = scroller.current;
        const ratio = zoom / before.current;
        before.current = zoom;
        // What was in the middle stays there.
        view?.scrollTo(
            (view.scrollLeft + view.clientWidth / 2) * ratio - view.clientWidth / 2,
            (view.scrollTop + view.clientHeight / 2) * ratio - view.clientHeight / 2,
        );
    }, [zoom]);
    const label = media.caption || t.attachments.photo;
    return (
        <dialog
            ref={element}
            className="viewer"
            aria-label={label}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
        >
            <div className="viewer__bar">
                <p>{media.caption}</p>
                <button
                    type="button"
                    className="icon-button"
                    aria-label={t.attachments.zoomOut}
                    onClick={() => setZoom(Math.max(1, zoom / 1.5))}
                >
                    <Icon name="minus" />
                </button>
                <button
                    type="button"
                    className="icon-button"
                    aria-label={t.attachments.zoomIn}
                    onClick={() => setZoom(Math.min(MOST, zoom * 1.5))}
                >
                    <Icon name="plus" />
                </button>
                <button type="button" className="icon-button" aria-label={t.app.close} onClick={onClose}>
                    <Icon name="close" />
                </button>
            </div>
            <div ref={scroller} className="viewer__scroll" tabIndex={0} role="region" aria-label={label}>
                {address !== undefined && (
                    <img
                        src={address}
                        alt={label}
                        style={{ width: `${zoom * 100}%`, height: `${zoom * 100}%` }}
                    />
                )}
            </div>
        </dialog>
    );
}
