import type { Room } from "matrix-js-sdk";
import type { JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { localpart, nameOf } from "../matrix/rooms.ts";
import { words } from "../matrix/timeline.ts";
import { useJump } from "./jump.ts";
import { useEvent } from "./use-event.ts";

/** The message that another one answers, in two lines; pressing it goes there. */
export function Quote({ room, eventId }: { room: Room; eventId: string }): JSX.Element {
    const event = useEvent(room, eventId);
    const jump = useJump();
    const { data: staff } = useStaff();
    const sender = event?.getSender();
    const name = sender && (staff?.get(localpart(sender))?.name ?? nameOf(room, sender));
    return (
        <button type="button" className="quote" onClick={() => jump({ eventId })}>
            <span className="visually-hidden">{t.actions.answerTo} </span>
            <strong>{name}</strong>
            <span className="quote__text">{event ? words(event, room) : t.actions.quoteMissing}</span>
        </button>
    );
}
