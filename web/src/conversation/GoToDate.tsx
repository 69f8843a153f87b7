import { Direction, type Room } from "matrix-js-sdk";
import { useId, useState, type FormEvent, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { useClient } from "../session/store.ts";
import { useJump } from "./jump.ts";

/** Goes to the first thing said on a day. */
export function GoToDate({ room, onGone }: { room: Room; onGone: () => void }): JSX.Element {
    const client = useClient();
    const jump = useJump();
    const [date, setDate] = useState("");
    const [problem, setProblem] = useState<string>();
    const id = useId();
    const go = async (): Promise<void> => {
        setProblem(undefined);
        const from = new Date(`${date}T00:00`).getTime();
        if (Number.isNaN(from)) {
            setProblem(t.find.needDate);
            return;
        }
        try {
            const found = await client.timestampToEvent(room.roomId, from, Direction.Forward);
            jump({ eventId: found.event_id, from });
            onGone();
        } catch {
            setProblem(t.find.noDate);
        }
    };
    return (
        <form
            className="find__date"
            onSubmit={(event: FormEvent) => {
                event.preventDefault();
                void go();
            }}
        >
            <label htmlFor={id}>{t.find.date}</label>
            <div className="actions__row">
                <input
                    id={id}
                    type="date"
                    value={date}
                    onChange={(event) => setDate(event.target.value)}
                    aria-describedby={problem === undefined ? undefined : `${id}-problem`}
                />
                <button type="submit" className="button">
                    {t.find.go}
                </button>
            </div>
            {problem !== undefined && (
                <p id={`${id}-problem`} className="field-error" role="alert">
                    {problem}
                </p>
            )}
        </form>
    );
}
