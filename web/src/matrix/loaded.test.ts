import { Direction, EventTimeline, EventTimelineSet, MatrixEvent, type Room } from "matrix-js-sdk";
import { describe, expect, it } from "vitest";
import { hasEarlier, loadedEvents } from "./loaded.ts";

function said(n: number): MatrixEvent {
    return new MatrixEvent({
        type: "m.room.message",
        event_id: `$${n}`,
        room_id: "!r:h",
        sender: "@a:h",
        origin_server_ts: n,
        content: { body: String(n) },
    });
}

/** As much of a room as is asked for. */
function roomOf(set: EventTimelineSet): Room {
    return { getLiveTimeline: () => set.getLiveTimeline() } as unknown as Room;
}

function ids(room: Room): string {
    return loadedEvents(room)
        .map((event) => event.getId())
        .join(" ");
}

describe("what is loaded", () => {
    it("goes on before a gap once the gap is read", () => {
        const set = new EventTimelineSet(undefined, { timelineSupport: true });
        const room = roomOf(set);
        const before = set.getLiveTimeline();
        before.setPaginationToken("older", Direction.Backward);
        for (const n of [1, 2]) set.addLiveEvent(said(n), { addToState: false });
        set.resetLiveTimeline("gap", "since");
        set.addLiveEvent(said(6), { addToState: false });
        expect(ids(room)).toBe("$6");
        expect(hasEarlier(room)).toBe(true);

        // What lies in the gap, up to something that was known before.
        set.addEventsToTimeline([5, 4, 3, 2].map(said), true, false, set.getLiveTimeline(), "end of gap");
        expect(ids(room)).toBe("$1 $2 $3 $4 $5 $6");
        expect(before.getNeighbouringTimeline(Direction.Forward)).toBe(set.getLiveTimeline());
        // There is more before the first of them, and nothing between.
        expect(hasEarlier(room)).toBe(true);
        set.addEventsToTimeline([said(0)], true, false, before, null);
        expect(ids(room)).toBe("$0 $1 $2 $3 $4 $5 $6");
        expect(hasEarlier(room)).toBe(false);
    });

    it("shows nothing of before a gap that is not read yet", () => {
        const set = new EventTimelineSet(undefined, { timelineSupport: true });
        set.addLiveEvent(said(1), { addToState: false });
        set.resetLiveTimeline("gap", "since");
        for (const n of [5, 6]) set.addLiveEvent(said(n), { addToState: false });
        expect(ids(roomOf(set))).toBe("$5 $6");
        expect(set.getTimelines()).toHaveLength(2);
        expect(set.getTimelines()[0]).toBeInstanceOf(EventTimeline);
    });
});
