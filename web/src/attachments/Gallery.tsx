import type { Room } from "matrix-js-sdk";
import { useMemo, useRef, useState, type JSX } from "react";
import { useJump } from "../conversation/jump.ts";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { shortWhen } from "../i18n/time.ts";
import { hasEarlier, loadedEvents, loadEarlier } from "../matrix/loaded.ts";
import { mediaOf, type Media } from "../matrix/media.ts";
import { localpart, nameOf } from "../matrix/rooms.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { useClient } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Attachment } from "./Attachment.tsx";
import { Placeholder } from "./Placeholder.tsx";
import { usePicture, useSeen } from "./use-picture.ts";
import { Viewer } from "./Viewer.tsx";

const kinds = ["photos", "files", "voice"] as const;
type Kind = (typeof kinds)[number];

/** Something that was sent with a message. */
interface Sent {
    eventId: string;
    at: number;
    sender: string;
    media: Media;
}

/** So many messages are fetched at a time, and so often until something is found. */
const PAGE = 200;
const PAGES = 10;

function kindOf(media: Media): Kind {
    if (media.picture) return "photos";
    return media.sound?.voice === true ? "voice" : "files";
}

/** What was sent with the messages of a conversation that are loaded, the newest first. */
function sentIn(room: Room): Sent[] {
    return loadedEvents(room)
        .flatMap((event): Sent[] => {
            if (event.getType() !== "m.room.message" || event.isRedacted()) return [];
            const media = mediaOf(event.getContent());
            const eventId = event.getId();
            if (!media || eventId === undefined) return [];
            return [{ eventId, at: event.getTs(), sender: event.getSender() ?? "", media }];
        })
        .toReversed();
}

/** All photos, files and voice notes of a conversation. */
export default function Gallery({ room, onClose }: { room: Room; onClose: () => void }): JSX.Element {
    const version = useRoomChanges(room.roomId);
    const { data: staff } = useStaff();
    const jump = useJump();
    const [kind, setKind] = useState<Kind>("photos");
    const [open, setOpen] = useState<string>();
    const all = useMemo(() => {
        void version;
        return sentIn(room);
    }, [room, version]);
    const shown = all.filter(({ media }) => kindOf(media) === kind);
    const { more, busy, fetchEarlier } = useFurther(room, () => sentIn(room).length);
    const from = ({ sender, at }: Sent): string => {
        const name = staff?.get(localpart(sender))?.name ?? nameOf(room, sender);
        return t.gallery.from(name, shortWhen(at, Date.now()));
    };
    const show = (eventId: string): void => {
        onClose();
        jump({ eventId });
    };
    const at = shown.findIndex(({ eventId }) => eventId === open);
    const viewed = kind === "photos" ? shown[at] : undefined;
    return (
        <Dialog title={t.gallery.title} onClose={onClose} wide>
            <div className="gallery">
                <div className="chips" role="group" aria-label={t.gallery.title}>
                    {kinds.map((one) => (
                        <button
                            key={one}
                            type="button"
                            className="chip"
                            aria-pressed={kind === one}
                            onClick={() => setKind(one)}
                        >
                            {t.gallery[one]}
                        </button>
                    ))}
                </div>
                {shown.length === 0 && <p className="muted">{more ? t.gallery.noneSoFar : t.gallery.none}</p>}
                {kind === "photos" ? (
                    <ul className="gallery__grid">
                        {shown.map((one) => (
                            <li key={one.eventId}>
                                <Thumb
                                    media={one.media}
                                    from={from(one)}
                                    onOpen={() => setOpen(one.eventId)}
                                />
                            </li>
                        ))}
                    </ul>
                ) : (
                    <ul className="gallery__list">
                        {shown.map((one) => (
                            <li key={one.eventId}>
                                <Attachment media={one.media} />
                                <button
                                    type="button"
                                    className="button button--quiet"
                                    aria-label={`${from(one)}. ${t.gallery.show}`}
                                    onClick={() => show(one.eventId)}
                                >
                                    {from(one)}
                                </button>
                            </li>
                        ))}
                    </ul>
                )}
                {more && (
                    <button type="button" className="button" aria-disabled={busy} onClick={fetchEarlier}>
                        {busy ? t.gallery.looking : t.gallery.earlier}
                    </button>
                )}
            </div>
            {viewed && (
                <Viewer
                    media={viewed.media}
                    preview={undefined}
                    among={{
                        n: at + 1,
                        of: shown.length,
                        turn: (step) => setOpen(shown[at + step]?.eventId ?? open),
                    }}
                    onShow={() => show(viewed.eventId)}
                    onClose={() => setOpen(undefined)}
                />
            )}
        </Dialog>
    );
}

interface ThumbProps {
    media: Media;
    from: string;
    onOpen: () => void;
}

/** A picture in the grid, fetched when it comes near the screen. */
function Thumb({ media, from, onOpen }: ThumbProps): JSX.Element {
    const element = useRef<HTMLButtonElement>(null);
    const { address } = usePicture(media, useSeen(element));
    const name = media.caption || t.attachments.photo;
    return (
        <button
            ref={element}
            type="button"
            className="gallery__photo"
            aria-label={`${t.attachments.open(name)}, ${from}`}
            onClick={onOpen}
        >
            {address === undefined ? <Placeholder hash={media.blurhash} /> : <img src={address} alt="" />}
        </button>
    );
}

/** Fetches older messages until one has brought something, or for a while. */
function useFurther(
    room: Room,
    count: () => number,
): { more: boolean; busy: boolean; fetchEarlier: () => void } {
    const client = useClient();
    const [busy, setBusy] = useState(false);
    const hasMore = (): boolean => hasEarlier(room);
    const fetchEarlier = async (): Promise<void> => {
        if (busy) return;
        setBusy(true);
        const before = count();
        try {
            for (let page = 0; page < PAGES && hasMore() && count() === before; page++)
                await loadEarlier(client, room, PAGE);
        } catch {
            // The button is still there to try again.
        }
        setBusy(false);
    };
    return { more: hasMore(), busy, fetchEarlier: () => void fetchEarlier() };
}
