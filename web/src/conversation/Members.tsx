import type { Room } from "matrix-js-sdk";
import { useState, type JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { isClerk, localpart, nameOf } from "../matrix/rooms.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";

/** How many people read along; pressing it shows who. */
export function Members({ room }: { room: Room }): JSX.Element {
    const { data: staff } = useStaff();
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
                    <ul className="readers">
                        {members.map((member) => {
                            const known = staff?.get(localpart(member.userId));
                            return (
                                <li key={member.userId}>
                                    <strong>
                                        {known?.name ?? nameOf(room, member.userId)}
                                        {member.userId === room.myUserId && ` (${t.conversation.you})`}
                                    </strong>
                                    <span className="muted">{known?.job}</span>
                                </li>
                            );
                        })}
                    </ul>
                </Dialog>
            )}
        </>
    );
}
