import type { Room } from "matrix-js-sdk";
import { useState, type JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { isAdmin, peopleOf } from "../chats/group.ts";
import { GroupAdmin, MemberActions } from "../chats/GroupAdmin.tsx";
import { isClerk, isGroup, localpart, nameOf } from "../matrix/rooms.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";
import { PersonBadge } from "../people/PersonBadge.tsx";
import { useClient } from "../session/store.ts";
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
        void room.loadMembersIfNeeded().catch(() => undefined);
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

/** Everybody who reads along, what stands behind their identities, and in a group what can be done about it. */
function Readers({ room, members }: { room: Room; members: string[] }): JSX.Element {
    const client = useClient();
    const { data: staff } = useStaff();
    useRoomChanges(room.roomId);
    const group = isGroup(client, room);
    const shown = group ? peopleOf(room).map(({ userId }) => userId) : members;
    // Of oneself one knows without anybody's word.
    const standings = useStandings(shown.filter((userId) => userId !== room.myUserId));
    return (
        <>
            {group && <GroupAdmin room={room} />}
            <ul className="readers">
                {shown.map((userId) => {
                    const known = staff?.get(localpart(userId));
                    const member = room.getMember(userId);
                    const name = known?.name ?? nameOf(room, userId);
                    return (
                        <li key={userId}>
                            <strong>
                                {name}
                                {userId === room.myUserId && ` (${t.conversation.you})`}
                            </strong>
                            <span className="muted">{known?.job}</span>
                            <PersonBadge userId={userId} />
                            <StandingLine standing={standings.get(userId)} />
                            {group && member && (
                                <>
                                    {member.membership === "invite" && (
                                        <span className="muted">{t.group.invited}</span>
                                    )}
                                    {isAdmin(member) && <span className="badge">{t.group.admin}</span>}
                                    <MemberActions room={room} member={member} name={name} />
                                </>
                            )}
                        </li>
                    );
                })}
            </ul>
        </>
    );
}
