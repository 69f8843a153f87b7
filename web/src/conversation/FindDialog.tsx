import type { Room } from "matrix-js-sdk";
import { lazy, Suspense, useId, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { Hits } from "../search/Hits.tsx";
import { useMessages } from "../search/use-messages.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { GoToDate } from "./GoToDate.tsx";
import { useJump } from "./jump.ts";

const Gallery = lazy(() => import("../attachments/Gallery.tsx"));

/** Finding something in a conversation: by its words, by its day, or among its pictures and files. */
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
            <Words room={room} onClose={onClose} onGallery={() => setGallery(true)} />
        </Dialog>
    );
}

interface WordsProps {
    room: Room;
    onClose: () => void;
    onGallery: () => void;
}

function Words({ room, onClose, onGallery }: WordsProps): JSX.Element {
    const jump = useJump();
    const [wanted, setWanted] = useState("");
    const { hits, reading } = useMessages(wanted, room.roomId);
    const id = useId();
    const nothing = wanted.trim().length > 1 && hits.length === 0;
    return (
        <div className="info">
            <label htmlFor={id}>{t.find.words}</label>
            <input
                autoComplete="off"
                id={id}
                type="search"
                value={wanted}
                data-focus
                onChange={(event) => setWanted(event.target.value)}
            />
            <Hits
                hits={hits}
                wanted={wanted}
                onChoose={(hit) => {
                    onClose();
                    jump({ eventId: hit.id });
                }}
            />
            <p role="status" className="muted">
                {reading ? t.search.reading : nothing ? t.search.nothing : ""}
            </p>
            {wanted === "" && (
                <>
                    <button type="button" className="button find__gallery" onClick={onGallery}>
                        <Icon name="gallery" size={20} /> {t.gallery.title}
                    </button>
                    <GoToDate room={room} onGone={onClose} />
                </>
            )}
        </div>
    );
}
