import type { JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { shortWhen } from "../i18n/time.ts";
import { localpart, nameOf } from "../matrix/rooms.ts";
import { useClient } from "../session/store.ts";
import { excerpt } from "./match.ts";
import type { Hit } from "./message-search.ts";

/** The part of a message in which the words stand, with the words marked. */
function Excerpt({ text, wanted }: { text: string; wanted: string }): JSX.Element {
    return (
        <span className="hit__text" dir="auto">
            {excerpt(text, wanted).map((piece, index) =>
                piece.hit ? <mark key={index}>{piece.text}</mark> : piece.text,
            )}
        </span>
    );
}

interface HitsProps {
    hits: readonly Hit[];
    wanted: string;
    /** The name of a conversation; absent where all are of the same. */
    title?: (roomId: string) => string;
    onChoose: (hit: Hit) => void;
}

/** Messages that were found, newest first. */
export function Hits({ hits, wanted, title, onChoose }: HitsProps): JSX.Element {
    const client = useClient();
    const { data: staff } = useStaff();
    return (
        <ul className="rows">
            {hits.map((hit) => {
                const room = client.getRoom(hit.roomId);
                const who = staff?.get(localpart(hit.by))?.name ?? nameOf(room, hit.by);
                return (
                    <li key={hit.id}>
                        <button type="button" className="row" onClick={() => onChoose(hit)}>
                            <span className="row__main">
                                <span className="row__line">
                                    <span className="row__title">
                                        <bdi>{hit.by === client.getUserId() ? t.conversation.you : who}</bdi>
                                        {title && <span className="muted"> {title(hit.roomId)}</span>}
                                    </span>
                                    <span className="row__time">{shortWhen(hit.at, Date.now())}</span>
                                </span>
                                <Excerpt text={hit.text} wanted={wanted} />
                            </span>
                        </button>
                    </li>
                );
            })}
        </ul>
    );
}
