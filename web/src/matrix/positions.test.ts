import { MatrixEvent, type Room } from "matrix-js-sdk";
import { expect, test } from "vitest";
import { positionsOf } from "./positions.ts";

const event = (n: number): MatrixEvent => new MatrixEvent({ event_id: `$${n}`, type: "m.room.message" });

test("positions hold when events come at either end or everything is replaced", () => {
    let events = [3, 4].map(event);
    const timeline = { getEvents: () => events, getNeighbouringTimeline: () => null };
    const room = { getLiveTimeline: () => timeline } as unknown as Room;
    const ordered = (): boolean => {
        const position = positionsOf(room);
        const found = events.map((one) => position(one.getId()) ?? Number.NaN);
        return found.every((at, index) => index === 0 || at === (found[index - 1] ?? Number.NaN) + 1);
    };
    expect(ordered()).toBe(true);
    events = [...events, event(5)];
    expect(ordered()).toBe(true);
    events = [event(1), event(2), ...events];
    expect(ordered()).toBe(true);
    events = [event(0), ...events, event(6)];
    expect(ordered()).toBe(true);
    events = [9, 10].map(event);
    expect(ordered()).toBe(true);
    expect(positionsOf(room)("$5")).toBeUndefined();
});
