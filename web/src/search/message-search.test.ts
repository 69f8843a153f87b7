import { EventEmitter } from "node:events";
import { MatrixEvent, RoomEvent, type MatrixClient, type Room } from "matrix-js-sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Vault } from "../matrix/vault.ts";
import { MessageSearch } from "./message-search.ts";

const DAY = 24 * 3_600_000;
const ME = "@me:h";

function said(id: string, body: string, at = Date.now()): MatrixEvent {
    return new MatrixEvent({
        type: "m.room.message",
        event_id: id,
        room_id: "!r:h",
        sender: ME,
        origin_server_ts: at,
        content: body === "" ? {} : { msgtype: "m.text", body },
    });
}

/** As much of a vault as is asked for, in memory. */
function vaultOf(records: Map<string, string>): Vault {
    return {
        get: async (name: string) => parsed(records.get(name)),
        put: async (name: string, value: unknown) => void records.set(name, JSON.stringify(value)),
        remove: async (name: string) => void records.delete(name),
        list: async (prefix: string) =>
            [...records].filter(([name]) => name.startsWith(prefix)).map(([, value]) => parsed(value)),
    } as unknown as Vault;
}

function parsed(value: string | undefined): unknown {
    return value === undefined ? undefined : JSON.parse(value);
}

/** As much of a client with one conversation as is asked for. */
function clientOf(events: MatrixEvent[], rules: unknown): { client: MatrixClient; room: Room } {
    const timeline = { getEvents: () => events, getPaginationToken: () => null };
    let membership = "join";
    const room = {
        roomId: "!r:h",
        myUserId: ME,
        getMyMembership: () => membership,
        getLiveTimeline: () => timeline,
        getLastActiveTimestamp: () => 0,
        getType: () => undefined,
        currentState: { getStateEvents: () => null },
        leave: () => (membership = "leave"),
    } as unknown as Room;
    const client = Object.assign(new EventEmitter(), {
        getRooms: () => [room],
        getVisibleRooms: () => [room],
        getRoom: () => room,
        http: { authedRequest: async () => rules },
        fetchRoomEvent: async (_room: string, id: string) => {
            const event = events.find((one) => one.getId() === id);
            asked.push(id);
            if (!event) throw Object.assign(new Error("not found"), { httpStatus: 404 });
            return erased.has(id) ? { ...event.event, content: {} } : event.event;
        },
    }) as unknown as MatrixClient;
    return { client, room };
}

/** What the server has erased without telling anybody, and what it was asked for. */
const erased = new Set<string>();
const asked: string[] = [];

const keepsAll = { policies: {}, limits: {} };

describe("what is found on this device", () => {
    let search: MessageSearch | undefined;
    beforeEach(() => void vi.useFakeTimers({ now: Date.now() }));
    afterEach(() => {
        search?.stop();
        erased.clear();
        asked.length = 0;
        vi.useRealTimers();
    });

    const found = async (words: string): Promise<string[]> =>
        ((await search?.find(words, 10)) ?? []).map(({ id }) => id);
    const open = async (
        events: MatrixEvent[],
        rules: unknown = keepsAll,
        may = () => false,
    ): Promise<{ client: MatrixClient; room: Room; records: Map<string, string> }> => {
        const records = new Map<string, string>();
        const { client, room } = clientOf(events, rules);
        search = await MessageSearch.open(client, vaultOf(records), may);
        await vi.advanceTimersByTimeAsync(5_000);
        return { client, room, records };
    };

    it("is no longer what the server erased: seen again without its words", async () => {
        const { client, room, records } = await open([said("$1", "potassium is high"), said("$2", "sodium")]);
        expect(await found("potassium")).toEqual(["$1"]);
        expect([...records.values()].join("")).toContain("potassium");
        client.emit(RoomEvent.Timeline, said("$1", ""), room, false, false, {
            liveEvent: true,
            timeline: room.getLiveTimeline(),
        });
        await vi.advanceTimersByTimeAsync(5_000);
        expect(await found("potassium")).toEqual([]);
        expect(await found("sodium")).toEqual(["$2"]);
        expect([...records.values()].join("")).not.toContain("potassium");
    });

    it("is no longer what is older than the server keeps it, as time goes by too", async () => {
        const rules = {
            policies: { "*": { max_lifetime: 30 * DAY } },
            limits: { max_lifetime: { min: DAY } },
        };
        const now = Date.now();
        const { records } = await open(
            [said("$1", "first potassium", now - 31 * DAY), said("$2", "then potassium", now - 29 * DAY)],
            rules,
        );
        expect(await found("potassium")).toEqual(["$2"]);
        expect([...records.values()].join("")).not.toContain("first");
        await vi.advanceTimersByTimeAsync(2 * DAY);
        expect(await found("potassium")).toEqual([]);
        await vi.advanceTimersByTimeAsync(5_000);
        expect([...records.values()].join("")).not.toContain("potassium");
    });

    it("is no longer what was erased without a word, which costs few questions", async () => {
        const events = Array.from({ length: 100 }, (_, n) => said(`$${n}`, `potassium ${n}`, Date.now() + n));
        await open(events, keepsAll, () => true);
        expect(asked).toEqual(["$0"]);
        for (let n = 0; n < 37; n++) erased.add(`$${n}`);
        events.splice(0, 3);
        asked.length = 0;
        await vi.advanceTimersByTimeAsync(3_600_000);
        expect(asked.length).toBeLessThan(12);
        expect(await search?.find("potassium", 200)).toHaveLength(63);
        expect(await found("36")).toEqual([]);
        expect(await found("37")).toEqual(["$37"]);
        asked.length = 0;
        await vi.advanceTimersByTimeAsync(3_600_000);
        expect(asked).toEqual(["$37"]);
    });

    it("is nothing of a conversation that was left", async () => {
        const { client, room, records } = await open([said("$1", "potassium")]);
        expect([...records.values()].join("")).toContain("potassium");
        (room as unknown as { leave: () => void }).leave();
        client.emit(RoomEvent.MyMembership, room, "leave", "join");
        await vi.advanceTimersByTimeAsync(5_000);
        expect([...records.values()].join("")).not.toContain("potassium");
        expect(await found("potassium")).toEqual([]);
    });
});
