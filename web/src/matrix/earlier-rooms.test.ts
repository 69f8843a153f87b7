import type { MatrixClient, Room } from "matrix-js-sdk";
import { expect, test } from "vitest";
import { PATIENT_ROOM } from "./events.ts";
import { earlierRooms } from "./rooms.ts";

/** A conversation that ended at `at` and goes on in `next`, where there is one. */
function room(roomId: string, next?: string, at = 0, membership = "join"): Room {
    const tombstone = { getContent: () => ({ replacement_room: next }), getTs: () => at };
    return {
        roomId,
        getType: () => PATIENT_ROOM,
        getMyMembership: () => membership,
        currentState: {
            getStateEvents: (type: string) =>
                type === "m.room.tombstone" && next !== undefined ? tombstone : null,
        },
    } as unknown as Room;
}

function earlier(rooms: Room[], of: string): string[] {
    const client = { getRooms: () => rooms } as unknown as MatrixClient;
    const found = rooms.find(({ roomId }) => roomId === of);
    return found ? earlierRooms(client, found).map(({ roomId }) => roomId) : [];
}

test("the conversations that were joined are found in however many steps, the last joined first", () => {
    const rooms = [
        room("now"),
        room("first", "second", 1),
        room("second", "now", 3),
        room("third", "now", 2),
    ];
    expect(earlier(rooms, "now")).toEqual(["second", "third", "first"]);
    expect(earlier(rooms, "second")).toEqual(["first"]);
    expect(earlier(rooms, "first")).toEqual([]);
});

test("what this person is not in is not theirs to read, and a circle holds nobody", () => {
    expect(earlier([room("now"), room("other", "now", 1, "leave")], "now")).toEqual([]);
    expect(earlier([room("a", "b", 1), room("b", "a", 2)], "a")).toEqual(["b"]);
});
