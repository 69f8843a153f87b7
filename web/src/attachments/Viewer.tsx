import { useEffect, useLayoutEffect, useRef, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { Media } from "../matrix/media.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";

const MOST = 6;
/** A finger that goes this far to the side turns to the next picture. */
const TURN_PX = 60;

interface ViewerProps {
    media: Media;
    /** The small picture, shown until the large one is there. */
    preview: string | undefined;
    /** Its place among others, and the way to them. */
    among?: { n: number; of: number; turn: (step: 1 | -1) => void } | undefined;
    /** Goes to the message that it came with. */
    onShow?: (() => void) | undefined;
    onClose: () => void;
}

/**
 * A picture on the whole screen. Plus, minus and 0 zoom, arrows and fingers move it and, while all of it is seen, turn to the
 * next; Escape closes.
 */
export function Viewer({ media, preview, among, onShow, onClose }: ViewerProps): JSX.Element {
    const element = useRef<HTMLDialogElement>(null);
    const { address, share } = useFull(media, preview);
    const [zoom, setZoom] = useState(1);
    const touch = useRef<number>(undefined);
    useEffect(() => {
        const dialog = element.current;
        dialog?.showModal();
        return () => dialog?.close();
    }, []);
    const turn = among?.turn;
    useEffect(() => {
        const dialog = element.current;
        const key = (event: KeyboardEvent): void => {
            if (event.key === "+" || event.key === "=") setZoom((now) => Math.min(MOST, now * 1.5));
            else if (event.key === "-") setZoom((now) => Math.max(1, now / 1.5));
            else if (event.key === "0") setZoom(1);
            else if (zoom === 1 && event.key === "ArrowLeft") turn?.(-1);
            else if (zoom === 1 && event.key === "ArrowRight") turn?.(1);
        };
        dialog?.addEventListener("keydown", key);
        return () => dialog?.removeEventListener("keydown", key);
    }, [zoom, turn]);
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
    const lift = (x: number | undefined): void => {
        const moved = (x ?? 0) - (touch.current ?? x ?? 0);
        touch.current = undefined;
        if (zoom === 1 && Math.abs(moved) >= TURN_PX) turn?.(moved < 0 ? 1 : -1);
    };
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
                <p>
                    {media.caption}
                    {among && (
                        <span className="viewer__place" role="status">
                            {t.gallery.place(among.n, among.of)}
                        </span>
                    )}
                </p>
                {onShow && (
                    <button
                        type="button"
                        className="icon-button"
                        aria-label={t.gallery.show}
                        onClick={onShow}
                    >
                        <Icon name="chats" />
                    </button>
                )}
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
            {share !== undefined && (
                <progress
                    className="viewer__progress"
                    value={share}
                    max={1}
                    aria-label={t.attachments.downloading}
                />
            )}
            <div
                ref={scroller}
                className="viewer__scroll"
                tabIndex={0}
                role="region"
                aria-label={label}
                onTouchStart={(event) => {
                    touch.current = event.touches.length === 1 ? event.touches[0]?.clientX : undefined;
                }}
                onTouchEnd={(event) => lift(event.changedTouches[0]?.clientX)}
            >
                {address !== undefined && (
                    <img
                        src={address}
                        alt={label}
                        style={{ width: `${zoom * 100}%`, height: `${zoom * 100}%` }}
                    />
                )}
            </div>
            {among && among.n > 1 && (
                <button
                    type="button"
                    className="icon-button viewer__turn viewer__turn--back"
                    aria-label={t.gallery.previous}
                    onClick={() => among.turn(-1)}
                >
                    <Icon name="back" />
                </button>
            )}
            {among && among.n < among.of && (
                <button
                    type="button"
                    className="icon-button viewer__turn viewer__turn--on"
                    aria-label={t.gallery.next}
                    onClick={() => among.turn(1)}
                >
                    <Icon name="next" />
                </button>
            )}
        </dialog>
    );
}

/** The large picture as soon as it is there; whoever closes the viewer stops its download. */
function useFull(
    media: Media,
    preview: string | undefined,
): { address: string | undefined; share: number | undefined } {
    const store = useSession((session) => session.media);
    const [full, setFull] = useState<{ url: string; address: string }>();
    const [share, setShare] = useState<number>();
    const { file, type } = media;
    useEffect(() => {
        const controller = new AbortController();
        const { signal } = controller;
        const told = (now: number): void => {
            if (!signal.aborted) setShare(now < 1 ? now : undefined);
        };
        store?.picture(file, type, { signal, onProgress: told }).then(
            (address) => {
                if (signal.aborted) return;
                setFull({ url: file.url, address });
                setShare(undefined);
            },
            () => !signal.aborted && setShare(undefined),
        );
        return () => controller.abort();
    }, [store, file, type]);
    return { address: full?.url === file.url ? full.address : preview, share };
}
