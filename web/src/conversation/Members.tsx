import type { Room } from "matrix-js-sdk";
import { useState, type JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { isClerk, localpart, nameOf } from "../matrix/rooms.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { useStandings } from "../matrix/verification.ts";
import { Icon } from "../ui/Icon.tsx";
import { StandingLine } from "./Identity.tsx";

/** How many people read along; pressing it shows who. */
export function Members({ room }: { room: Room }): JSX.Element {
    const [open, setOpen] = useState(false);
    const members = room.getJoinedMembers().filter((member) => !isClerk(member.userId));
    const show = (): void => {
        setOpen(true);
        void room.loadMembersIfNeeded();
    };
    return (
        <>
            <button
                type="button"
                className="icon-button members-button"
                aria-label={t.conversation.membersTitle}
                onClick={show}
            >
                <Icon name="people" />
                <span aria-hidden="true">
                    {room.getJoinedMemberCount() - (members.length < room.getJoinedMembers().length ? 1 : 0)}
                </span>
            </button>
            {open && (
                <Dialog title={t.conversation.membersTitle} onClose={() => setOpen(false)}>
                    <Readers room={room} members={members.map(({ userId }) => userId)} />
                </Dialog>
            )}
        </>
    );
}

/** Everybody who reads along, and what stands behind their identities. */
function Readers({ room, members }: { room: Room; members: string[] }): JSX.Element {
    const { data: staff } = useStaff();
    // Of oneself one knows without anybody's word.
    const standings = useStandings(members.filter((userId) => userId !== room.myUserId));
    return (
        <ul className="readers">
            {members.map((userId) => {
                const known = staff?.get(localpart(userId));
                return (
                    <li key={userId}>
                        <strong>
                            {known?.name ?? nameOf(room, userId)}
                            {userId === room.myUserId && ` (${t.conversation.you})`}
                        </strong>
                        <span className="muted">{known?.job}</span>
                        <StandingLine standing={standings.get(userId)} />
                    </li>
                );
            })}
        </ul>
    );
}
