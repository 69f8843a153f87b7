/**
 * What is loaded of a conversation. After a gap (the server left out what did not fit into its answer) the SDK begins a new timeline and
 * keeps the one before; once the gap is read, the two are joined but stay two. Only together are they what was said.
 */
import { Direction, type EventTimeline, type MatrixClient, type MatrixEvent, type Room } from "matrix-js-sdk";

/** The timeline that ends now and all that it is joined to, oldest first. */
function joined(room: Room): [EventTimeline, ...EventTimeline[]] {
    const all: [EventTimeline, ...EventTimeline[]] = [room.getLiveTimeline()];
    for (;;) {
        const earlier = all[0].getNeighbouringTimeline(Direction.Backward);
        if (!earlier || all.includes(earlier)) return all;
        all.unshift(earlier);
    }
}

/** The events of a conversation without a gap up to now, oldest first. */
export function loadedEvents(room: Room): readonly MatrixEvent[] {
    const all = joined(room);
    return all.length === 1 ? all[0].getEvents() : all.flatMap((timeline) => timeline.getEvents());
}

/** Whether the server has more before what is loaded. */
export function hasEarlier(room: Room): boolean {
    return joined(room)[0].getPaginationToken(Direction.Backward) !== null;
}

/** Loads up to `limit` events before what is loaded. */
export async function loadEarlier(client: MatrixClient, room: Room, limit: number): Promise<void> {
    const [first] = joined(room);
    if (first.getPaginationToken(Direction.Backward) === null) return;
    await client.paginateEventTimeline(first, { backwards: true, limit });
}
