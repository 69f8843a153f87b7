import type { Room } from "matrix-js-sdk";
import { useMemo } from "react";
import { useOnCall, useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import type { Mentionable } from "../matrix/mentions.ts";
import { colleagues, localpart, nameOf, serverOf } from "../matrix/rooms.ts";
import { useRoomChanges } from "../matrix/use-rooms.ts";

/** Whom a message in this conversation can name: the people in it, and every role with whoever holds it. */
export function useMentionable(room: Room): Mentionable[] {
    const { data: staff } = useStaff();
    const { data: roles } = useOnCall();
    const version = useRoomChanges(room.roomId);
    return useMemo(() => {
        void version;
        const people = colleagues(room).map((member): Mentionable => {
            const known = staff?.get(localpart(member.userId));
            return {
                kind: "person",
                id: localpart(member.userId),
                name: known?.name ?? nameOf(room, member.userId),
                detail: known?.job ?? "",
                userId: member.userId,
            };
        });
        const held = (roles ?? []).map((role): Mentionable => ({
            kind: "role",
            id: role.id,
            name: role.name,
            detail: t.mention.held(role.holder?.name ?? t.onCall.nobody),
            userId: role.holder && `@${role.holder.id}:${serverOf(room.myUserId)}`,
        }));
        return [...people, ...held];
    }, [room, staff, roles, version]);
}
