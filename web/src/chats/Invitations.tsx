import type { Room } from "matrix-js-sdk";
import { useState, type JSX } from "react";
import { useLocation } from "wouter";
import { t } from "../i18n/index.ts";
import { PATIENT_ROOM } from "../matrix/events.ts";
import { invitedRooms, nameOf } from "../matrix/rooms.ts";
import { useAllRooms } from "../matrix/use-rooms.ts";
import { useClient } from "../session/store.ts";
import { acceptInvitation, isDirectInvitation } from "./direct.ts";

/** Colleagues who invite this person to a conversation. Patients' conversations are joined without asking. */
export function Invitations(): JSX.Element | null {
    const client = useClient();
    useAllRooms();
    const rooms = invitedRooms(client).filter((room) => room.getType() !== PATIENT_ROOM);
    if (rooms.length === 0) return null;
    return (
        <section className="group" aria-label={t.chats.invitations}>
            <h2 className="group__title">{t.chats.invitations}</h2>
            <ul className="rows">
                {rooms.map((room) => (
                    <Invitation key={room.roomId} room={room} />
                ))}
            </ul>
        </section>
    );
}

function Invitation({ room }: { room: Room }): JSX.Element {
    const client = useClient();
    const [, navigate] = useLocation();
    const [failed, setFailed] = useState(false);
    const inviter = room.getMember(room.myUserId)?.events.member?.getSender() ?? "";
    const run = async (action: () => Promise<unknown>): Promise<void> => {
        setFailed(false);
        try {
            await action();
        } catch {
            setFailed(true);
        }
    };
    const accept = async (): Promise<void> => {
        await acceptInvitation(client, room, inviter);
        navigate(`/chats/${encodeURIComponent(room.roomId)}`);
    };
    return (
        <li className="row invitation">
            <div className="row__main">
                <p>{t.chats.invitedBy(nameOf(room, inviter))}</p>
                {!isDirectInvitation(room) && (
                    <p>
                        <strong>{room.name}</strong>
                    </p>
                )}
                {failed && (
                    <p className="field-error" role="alert">
                        {t.chats.failed}
                    </p>
                )}
                <div className="actions__row">
                    <button type="button" className="button button--primary" onClick={() => void run(accept)}>
                        {t.chats.accept}
                    </button>
                    <button
                        type="button"
                        className="button"
                        onClick={() => void run(() => client.leave(room.roomId))}
                    >
                        {t.chats.decline}
                    </button>
                </div>
            </div>
        </li>
    );
}
