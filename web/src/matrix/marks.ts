/** What somebody has set for a conversation: only they see it. */
import { EventType, PushRuleKind, type MatrixClient, type Room } from "matrix-js-sdk";

const PINNED = "m.favourite";
const ARCHIVED = "m.lowpriority";

export interface Marks {
    /** Stands at the top of the list. */
    pinned: boolean;
    /** Out of the list, until something urgent is asked in it. */
    archived: boolean;
    /** Makes no sound, except where something is urgent or names this person. */
    muted: boolean;
    /** To be looked at again, though it was read. */
    unread: boolean;
}

export type Mark = keyof Marks;

/** What is set for a conversation (client-server API: "Room tagging", "Unread markers", "Push rules"). */
export function marksOf(client: MatrixClient, room: Room): Marks {
    const rule = client.getRoomPushRule("global", room.roomId);
    return {
        pinned: PINNED in room.tags,
        archived: ARCHIVED in room.tags,
        muted: rule?.enabled === true && !rule.actions.includes("notify" as never),
        unread: room.getAccountData(EventType.MarkedUnread)?.getContent()["unread"] === true,
    };
}

async function tag(client: MatrixClient, room: Room, name: string, on: boolean): Promise<void> {
    if (on) await client.setRoomTag(room.roomId, name, { order: 0.5 });
    else await client.deleteRoomTag(room.roomId, name);
}

/** Sets or takes away one. */
export async function setMark(client: MatrixClient, room: Room, mark: Mark, on: boolean): Promise<void> {
    switch (mark) {
        case "pinned":
            // What is pinned is not put away, and the other way round.
            if (on && ARCHIVED in room.tags) await tag(client, room, ARCHIVED, false);
            return tag(client, room, PINNED, on);
        case "archived":
            if (on && PINNED in room.tags) await tag(client, room, PINNED, false);
            return tag(client, room, ARCHIVED, on);
        case "muted":
            // A rule of the room comes after those for what is urgent and for one's own name: these still sound.
            if (on)
                await client.addPushRule("global", PushRuleKind.RoomSpecific, room.roomId, { actions: [] });
            else await client.deletePushRule("global", PushRuleKind.RoomSpecific, room.roomId);
            return;
        case "unread":
            await client.setRoomAccountData(room.roomId, EventType.MarkedUnread, { unread: on });
    }
}
