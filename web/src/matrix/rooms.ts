import { EventType, HistoryVisibility, type MatrixClient, type Room, type RoomMember } from "matrix-js-sdk";
import {
    parse,
    PATIENT_ROOM,
    PATIENT_STATUS,
    PatientStateSchema,
    PatientStatusSchema,
    ROLE_ROOM,
    type PatientStatus,
} from "./events.ts";

/** `Patient.id` of a patient's conversation, `undefined` for any other conversation. */
export function patientRef(room: Room): string | undefined {
    if (room.getType() !== PATIENT_ROOM) return undefined;
    const content = room.currentState.getStateEvents(PATIENT_ROOM, "")?.getContent();
    return parse(PatientStateSchema, content)?.ref;
}

/** Whether it is the conversation of a role. */
export function isRoleRoom(room: Room): boolean {
    return room.getType() === ROLE_ROOM;
}

/** Whether this person's `m.direct` lists it: a conversation of two. */
export function isDirect(client: MatrixClient, room: Room): boolean {
    const all: unknown[] = Object.values(client.getAccountData(EventType.Direct)?.getContent() ?? {});
    return all.some((ids) => Array.isArray(ids) && ids.includes(room.roomId));
}

/** Whether it is a group that its members look after themselves: no patient's, no role's, no conversation of two. */
export function isGroup(client: MatrixClient, room: Room): boolean {
    return patientRef(room) === undefined && !isRoleRoom(room) && !isDirect(client, room);
}

/** Whether a patient's conversation is open, and whether they have died. */
export function patientStatus(room: Room): PatientStatus {
    const content = room.currentState.getStateEvents(PATIENT_STATUS, "")?.getContent();
    return parse(PatientStatusSchema, content) ?? { open: true, deceased: false };
}

/** Where the conversation goes on, if this one has ended. */
export function continuedIn(room: Room): string | undefined {
    const content = room.currentState.getStateEvents(EventType.RoomTombstone, "")?.getContent();
    const next: unknown = content?.["replacement_room"];
    return typeof next === "string" ? next : undefined;
}

/** When the conversation ended, and another went on. */
export function endedAt(room: Room): number {
    return room.currentState.getStateEvents(EventType.RoomTombstone, "")?.getTs() ?? 0;
}

/**
 * The conversations of other records of this patient, which ended when the records were joined to the one of `room`, in however
 * many steps; the one that ended last comes first.
 */
export function earlierRooms(client: MatrixClient, room: Room): Room[] {
    if (room.getType() !== PATIENT_ROOM) return [];
    const ended = joinedRooms(client).filter(
        (one) => one.getType() === PATIENT_ROOM && continuedIn(one) !== undefined,
    );
    const found = [room];
    // Whatever is found is looked at once, so that no circle can hold us.
    for (const later of found) {
        found.push(...ended.filter((one) => continuedIn(one) === later.roomId && !found.includes(one)));
    }
    return found.slice(1).toSorted((a, b) => endedAt(b) - endedAt(a));
}

/** The conversation of a patient among those this person belongs to. */
export function roomOfPatient(client: MatrixClient, ref: string): Room | undefined {
    return joinedRooms(client).find((room) => patientRef(room) === ref);
}

/** Conversations that this person belongs to. */
export function joinedRooms(client: MatrixClient): Room[] {
    return client.getRooms().filter((room) => room.getMyMembership() === "join");
}

/** Conversations that somebody invites this person to. */
export function invitedRooms(client: MatrixClient): Room[] {
    return client.getRooms().filter((room) => room.getMyMembership() === "invite");
}

/** The local part of a Matrix id: `Practitioner.id`. */
export function localpart(userId: string): string {
    return userId.slice(1).split(":", 1)[0] ?? userId;
}

/** The server of a Matrix id. */
export function serverOf(userId: string): string {
    return userId.slice(userId.indexOf(":") + 1);
}

/** The server's clerk: authors memberships and announcements, is no colleague. */
export function clerkOf(client: MatrixClient): string {
    return `@clerk:${serverOf(client.getSafeUserId())}`;
}

export function isClerk(userId: string): boolean {
    return localpart(userId) === "clerk";
}

/** The people in a conversation other than this person and the clerk. */
export function colleagues(room: Room): RoomMember[] {
    return room
        .getJoinedMembers()
        .filter((member) => member.userId !== room.myUserId && !isClerk(member.userId));
}

/** A person's name as the conversation knows it, never a bare Matrix id. */
export function nameOf(room: Room | null | undefined, userId: string): string {
    const member = room?.getMember(userId);
    return member?.rawDisplayName && member.rawDisplayName !== userId
        ? member.rawDisplayName
        : localpart(userId);
}

/** Whether members of an encrypted conversation may read what was said before they came (history visibility). */
export function sharesHistory(room: Room): boolean {
    const visibility = room.getHistoryVisibility();
    const shared = visibility === HistoryVisibility.Shared || visibility === HistoryVisibility.WorldReadable;
    return shared && room.hasEncryptionStateEvent();
}

/** The rooms that this person's `m.direct` lists for `userId`. */
export function directRoom(client: MatrixClient, userId: string): Room | undefined {
    const direct = client.getAccountData(EventType.Direct)?.getContent()[userId];
    const ids = Array.isArray(direct) ? direct : [];
    return (
        ids.map((id) => client.getRoom(id)).find((room) => room?.getMyMembership() === "join") ?? undefined
    );
}
