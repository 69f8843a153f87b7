import type { ISyncResponse } from "matrix-js-sdk";
import { expect, it } from "vitest";
import { VaultStore } from "./vault-store.ts";
import type { Vault } from "./vault.ts";

const ROOM = "!r:h";

function said(id: string, at: number, more: object = {}): object {
    const content = { msgtype: "m.text", body: `words of ${id}` };
    return { type: "m.room.message", event_id: id, sender: "@me:h", origin_server_ts: at, content, ...more };
}

function answer(events: object[]): ISyncResponse {
    const nothing = { events: [] };
    const timeline = { events, prev_batch: "p", limited: false };
    const room = { timeline, state: nothing, ephemeral: nothing, account_data: nothing };
    return { next_batch: "n", rooms: { join: { [ROOM]: room } } } as unknown as ISyncResponse;
}

/** A store with what was said, and what lies in its vault. */
async function storeOf(
    events: object[],
): Promise<{ store: VaultStore; vault: Vault; written: () => string }> {
    const records = new Map<string, string>();
    const vault = {
        get: async (name: string) => JSON.parse(records.get(name) ?? "null") ?? undefined,
        put: async (name: string, value: unknown) => void records.set(name, JSON.stringify(value)),
    } as unknown as Vault;
    const store = await VaultStore.open(vault);
    await store.setSyncData(answer(events));
    await store.save(true);
    return { store, vault, written: () => [...records.values()].join("") };
}

const all = (): object[] => [
    said("$name", 1, { type: "m.room.name", state_key: "", content: { name: "words of a name" } }),
    said("$old", 10),
    said("$edited", 11, { unsigned: { "m.relations": { "m.replace": said("$change", 12) } } }),
    said("$redaction", 12, { type: "m.room.redaction", content: { redacts: "$deleted" } }),
    said("$between", 20),
    said("$new", 30),
];

it("keeps no more what the server erased because it was old, and says the same as the server when it opens again", async () => {
    const { store, vault, written } = await storeOf(all());
    expect(written()).toContain("words of $old");
    await store.forget(ROOM, { before: 20 });
    for (const gone of ["$old", "$edited", "$change"]) expect(written()).not.toContain(`words of ${gone}`);
    for (const left of ["words of $between", "words of $new", "words of a name", "$deleted"])
        expect(written()).toContain(left);
    const again = await (await VaultStore.open(vault)).getSavedSync();
    const events = again?.roomsData.join[ROOM]?.timeline.events ?? [];
    expect(events.map(({ event_id: id }) => id)).toEqual(
        all().map((event) => (event as { event_id: string }).event_id),
    );
    expect(events[1]?.content).toEqual({});
});

it("keeps no more what was erased up to a message, wherever the clocks stood", async () => {
    const { store, written } = await storeOf([said("$late", 99), said("$last", 5), said("$new", 6)]);
    await store.forget(ROOM, { upTo: "$elsewhere" });
    expect(written()).toContain("words of $late");
    await store.forget(ROOM, { upTo: "$last" });
    expect(written()).not.toMatch(/words of \$(late|last)/);
    expect(written()).toContain("words of $new");
    await store.forget("!other:h", { before: 1_000 });
    expect(written()).toContain("words of $new");
});
