import {
    ClientEvent,
    MatrixEventEvent,
    RoomEvent,
    RoomMemberEvent,
    RoomStateEvent,
    type MatrixClient,
    type MatrixEvent,
    type Room,
} from "matrix-js-sdk";
import { useMemo, useSyncExternalStore } from "react";
import { useClient } from "../session/store.ts";
import { earlierRooms } from "./rooms.ts";
import { forget, forgetAll } from "./timeline.ts";

/**
 * The SDK is the store of conversations; React only needs to know that something changed. A `Changes` counts the changes
 * of every room, tells its listeners at most once per turn of the event loop, and is made once per client.
 */
class Changes {
    private readonly listeners = new Set<() => void>();
    private readonly versions = new Map<string, number>();
    private readonly pending = new Set<string>();
    private total = 0;
    private scheduled = false;

    constructor(client: MatrixClient) {
        const ofRoom = (room: Room | undefined): void => this.changed(room?.roomId);
        followChanges(client);
        client.on(ClientEvent.Room, ofRoom);
        client.on(ClientEvent.Sync, () => this.changed());
        client.on(ClientEvent.AccountData, () => this.changed());
        client.on(RoomEvent.Timeline, (_event, room) => ofRoom(room));
        client.on(RoomEvent.Receipt, (_event, room) => ofRoom(room));
        client.on(RoomEvent.Name, ofRoom);
        client.on(RoomEvent.Tags, (_event, room) => ofRoom(room));
        client.on(RoomEvent.AccountData, (_event, room) => ofRoom(room));
        client.on(RoomEvent.MyMembership, ofRoom);
        client.on(RoomEvent.TimelineReset, ofRoom);
        client.on(RoomEvent.Redaction, (_event, room) => ofRoom(room));
        client.on(RoomStateEvent.Update, (state) => this.changed(state.roomId));
        client.on(RoomMemberEvent.Typing, (_event, member) => this.changed(member.roomId));
        client.on(MatrixEventEvent.Decrypted, (event) => this.changed(event.getRoomId()));
        client.on(MatrixEventEvent.Replaced, (event) => this.changed(event.getRoomId()));
    }

    readonly subscribe = (listener: () => void): (() => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    };

    version(roomId?: string): number {
        return roomId === undefined ? this.total : (this.versions.get(roomId) ?? 0);
    }

    /** Counted and told in the next turn, so that drawing can never set off a change that draws again at once. */
    private changed(roomId?: string): void {
        if (roomId !== undefined) this.pending.add(roomId);
        if (this.scheduled) return;
        this.scheduled = true;
        setTimeout(() => {
            this.scheduled = false;
            this.total++;
            for (const id of this.pending) this.versions.set(id, this.version(id) + 1);
            this.pending.clear();
            for (const listener of this.listeners) listener();
        }, 0);
    }
}

/** Has what changed in an event drawn anew. */
function followChanges(client: MatrixClient): void {
    const changed = (event: MatrixEvent): void => {
        forget(event);
        const target = event.getRelation()?.event_id;
        const parent =
            target === undefined ? undefined : client.getRoom(event.getRoomId())?.findEventById(target);
        if (parent) forget(parent);
    };
    const all = (room: Room | null | undefined): void => {
        if (room) forgetAll(room);
    };
    client.on(RoomEvent.Timeline, changed);
    client.on(RoomEvent.LocalEchoUpdated, changed);
    client.on(MatrixEventEvent.Decrypted, changed);
    client.on(MatrixEventEvent.Replaced, changed);
    client.on(RoomEvent.Redaction, (_event, room) => all(room));
    client.on(RoomEvent.RedactionCancelled, (_event, room) => all(room));
    client.on(RoomStateEvent.Members, (_event, state) => all(client.getRoom(state.roomId)));
}

const changesOf = new WeakMap<MatrixClient, Changes>();

function changes(client: MatrixClient): Changes {
    let known = changesOf.get(client);
    if (!known) {
        known = new Changes(client);
        changesOf.set(client, known);
    }
    return known;
}

/** Re-renders when any conversation changes; the number is different after every change. */
export function useAllRooms(): number {
    const source = changes(useClient());
    return useSyncExternalStore(source.subscribe, () => source.version());
}

/** Re-renders when this conversation changes; the number is different after every change. */
export function useRoomChanges(roomId: string): number {
    const source = changes(useClient());
    return useSyncExternalStore(source.subscribe, () => source.version(roomId));
}

/**
 * The conversations of other records of this patient that were joined to this one, the last joined first; another list after
 * every change in one of them.
 */
export function useEarlierRooms(room: Room): readonly Room[] {
    const client = useClient();
    const source = changes(client);
    const state = useSyncExternalStore(source.subscribe, () =>
        earlierRooms(client, room)
            .map(({ roomId }) => `${roomId} ${source.version(roomId)}`)
            .join(" "),
    );
    return useMemo(() => (state === "" ? none : earlierRooms(client, room)), [client, room, state]);
}

const none: readonly Room[] = [];
