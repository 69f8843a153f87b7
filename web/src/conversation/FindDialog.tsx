import type { Room } from "matrix-js-sdk";
import { lazy, Suspense, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { GoToDate } from "./GoToDate.tsx";

const Gallery = lazy(() => import("../attachments/Gallery.tsx"));

/** Finding something in a conversation. */
export function FindDialog({ room, onClose }: { room: Room; onClose: () => void }): JSX.Element {
    const [gallery, setGallery] = useState(false);
    if (gallery) {
        return (
            <Suspense fallback={null}>
                <Gallery room={room} onClose={onClose} />
            </Suspense>
        );
    }
    return (
        <Dialog title={t.find.title} onClose={onClose}>
            <button type="button" className="button find__gallery" onClick={() => setGallery(true)}>
                <Icon name="gallery" size={20} /> {t.gallery.title}
            </button>
            <GoToDate room={room} onGone={onClose} />
        </Dialog>
    );
}
