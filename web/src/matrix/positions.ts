/** Where each event of a conversation stands among those that are loaded; kept up as events come at either end. */
import type { MatrixEvent, Room } from "matrix-js-sdk";
import { loadedEvents } from "./loaded.ts";

class Positions {
    private readonly at = new Map<string, number>();
    private first: MatrixEvent | undefined;
    private last: MatrixEvent | undefined;
    private base = 0;
    private count = 0;

    /** Takes in what `events` has that was not there before. */
    follow(events: readonly MatrixEvent[]): void {
        const grown = events.length - this.count;
        if (grown === 0 && events[0] === this.first && events.at(-1) === this.last) return;
        if (this.count > 0 && grown > 0 && events[0] === this.first && events[this.count - 1] === this.last) {
            for (let index = this.count; index < events.length; index++)
                this.put(events[index], this.base + index);
        } else if (
            this.count > 0 &&
            grown > 0 &&
            events.at(-1) === this.last &&
            events[grown] === this.first
        ) {
            this.base -= grown;
            for (let index = 0; index < grown; index++) this.put(events[index], this.base + index);
        } else {
            this.at.clear();
            this.base = 0;
            for (const [index, event] of events.entries()) this.put(event, index);
        }
        this.first = events[0];
        this.last = events.at(-1);
        this.count = events.length;
    }

    readonly of = (eventId: string | undefined): number | undefined =>
        eventId === undefined ? undefined : this.at.get(eventId);

    private put(event: MatrixEvent | undefined, position: number): void {
        const id = event?.getId();
        if (id !== undefined) this.at.set(id, position);
    }
}

const known = new WeakMap<Room, Positions>();

/** The position of an event by its id; a later event has a greater one. */
export function positionsOf(room: Room): (eventId: string | undefined) => number | undefined {
    let positions = known.get(room);
    if (!positions) {
        positions = new Positions();
        known.set(room, positions);
    }
    positions.follow(loadedEvents(room));
    return positions.of;
}
