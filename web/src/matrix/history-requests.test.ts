import { ClientEvent, EventType, MatrixEventEvent, type MatrixClient } from "matrix-js-sdk";
import { CryptoEvent, DecryptionFailureCode } from "matrix-js-sdk/lib/crypto-api";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HISTORY_REQUEST } from "./events.ts";
import { HistoryAsker, whomToAsk } from "./history-asker.ts";
import { HistoryGiver } from "./history-giver.ts";

const me = "@grace:riverside.example";
const newcomer = "@priya:riverside.example";
const roomId = "!patient";

/** A client with one encrypted conversation, and what a test changes about it. */
function fake(user: string) {
    const listeners = new Map<string, ((...values: unknown[]) => void)[]>();
    const world = {
        visibility: "shared",
        membership: "join",
        signed: true,
        prepare: vi.fn(),
        share: vi.fn(() => Promise.resolve()),
        sent: vi.fn((_type: string, _messages: Map<string, Map<string, object>>) => Promise.resolve({})),
        emit: (name: string, ...values: unknown[]) => {
            for (const listener of listeners.get(name) ?? []) listener(...values);
        },
    };
    const room = {
        roomId,
        myUserId: user,
        getMyMembership: () => "join",
        getHistoryVisibility: () => world.visibility,
        hasEncryptionStateEvent: () => true,
        loadMembersIfNeeded: () => Promise.resolve(true),
        getJoinedMembers: () =>
            [me, newcomer, "@clerk:riverside.example", "@eve:other.example"].map((userId) => ({ userId })),
        getLastActiveTimestamp: () => 0,
    };
    const client = {
        on: (name: string, listener: () => void) =>
            listeners.set(name, [...(listeners.get(name) ?? []), listener]),
        getSafeUserId: () => user,
        getDeviceId: () => "DEVICE",
        getRoom: (id: string) => (id === roomId ? room : null),
        getStateEvent: (_room: string, type: string, userId: string) =>
            Promise.resolve(
                type === EventType.RoomMember && userId === newcomer ? { membership: world.membership } : {},
            ),
        downloadKeysForUsers: ([userId = ""]: string[]) =>
            Promise.resolve({
                self_signing_keys: { [userId]: { keys: { "ed25519:ssk": "ssk" } } },
                device_keys: {
                    [userId]: {
                        NEW: {
                            signatures: { [userId]: { [world.signed ? "ed25519:ssk" : "ed25519:NEW"]: "s" } },
                        },
                    },
                },
            }),
        sendToDevice: world.sent,
        getCrypto: () => ({
            shareRoomHistoryWithUser: world.share,
            markRoomAsPendingKeyBundle: () => Promise.resolve(),
            maybeAcceptKeyBundle: () => Promise.resolve(true),
            prepareToEncrypt: world.prepare,
        }),
    };
    return { world, client: client as unknown as MatrixClient };
}

beforeEach(() => {
    vi.useFakeTimers();
});

afterEach(() => {
    vi.useRealTimers();
});

describe("giving history to a member who asks", () => {
    function giver() {
        const { world, client } = fake(me);
        const made = new HistoryGiver(client);
        made.start();
        const hear = (action: string, more: { room?: string; sender?: string; device?: string } = {}) =>
            world.emit(ClientEvent.ReceivedToDeviceMessage, {
                message: {
                    type: HISTORY_REQUEST,
                    sender: more.sender ?? newcomer,
                    content: { action, device_id: more.device ?? "NEW", room_ids: [more.room ?? roomId] },
                },
                encryptionInfo: null,
            });
        return { world, made, hear };
    }

    it("answers once, within a few seconds, and again only much later", async () => {
        const { world, made, hear } = giver();
        made.ready();
        hear("ask");
        hear("ask");
        await vi.advanceTimersByTimeAsync(3_000);
        expect(world.share.mock.calls).toEqual([[roomId, newcomer]]);
        hear("ask");
        await vi.advanceTimersByTimeAsync(3_000);
        expect(world.share).toHaveBeenCalledTimes(1);
        await vi.advanceTimersByTimeAsync(10 * 60_000);
        hear("ask");
        await vi.advanceTimersByTimeAsync(3_000);
        expect(world.share).toHaveBeenCalledTimes(2);
    });

    it("keeps a question until encryption is set up, unless it is taken back", async () => {
        const { world, made, hear } = giver();
        hear("ask");
        await vi.advanceTimersByTimeAsync(60_000);
        expect(world.share).not.toHaveBeenCalled();
        made.ready();
        await vi.advanceTimersByTimeAsync(3_000);
        expect(world.share).toHaveBeenCalledTimes(1);

        const other = giver();
        other.hear("ask");
        other.hear("cancel");
        other.made.ready();
        await vi.advanceTimersByTimeAsync(3_000);
        expect(other.world.share).not.toHaveBeenCalled();
    });

    it.each([
        ["has left", { membership: "leave" }, {}],
        ["is only invited", { membership: "invite" }, {}],
        ["has a device that nobody signed", { signed: false }, {}],
        ["names a device that is not theirs", {}, { device: "OTHER" }],
        ["asks where members may not read the past", { visibility: "joined" }, {}],
        ["asks for another conversation", {}, { room: "!other" }],
        ["is of another hospital", {}, { sender: "@priya:other.example" }],
        ["is this person", {}, { sender: me }],
    ])("gives nothing to somebody who %s", async (_who, change, more) => {
        const { world, made, hear } = giver();
        Object.assign(world, change);
        made.ready();
        hear("ask", more);
        await vi.advanceTimersByTimeAsync(60_000);
        expect(world.share).not.toHaveBeenCalled();
    });

    it("tries again what failed, but not for ever", async () => {
        const { world, made, hear } = giver();
        world.share.mockRejectedValue(new Error("offline"));
        made.ready();
        hear("ask");
        await vi.advanceTimersByTimeAsync(120_000);
        expect(world.share).toHaveBeenCalledTimes(3);
    });
});

describe("asking for history", () => {
    function message(reason: DecryptionFailureCode | null) {
        return {
            reason,
            getRoomId: () => roomId,
            getSender: () => me,
            isRedacted: () => false,
            isDecryptionFailure() {
                return this.reason !== null;
            },
            get decryptionFailureReason() {
                return this.reason;
            },
        };
    }

    function asker() {
        const { world, client } = fake(newcomer);
        const made = new HistoryAsker(client);
        made.start();
        const decrypted = (event: object) => world.emit(MatrixEventEvent.Decrypted, event);
        return { world, made, decrypted };
    }

    it("asks the members of our own server, and takes it back when all can be read", async () => {
        const { world, made, decrypted } = asker();
        const event = message(DecryptionFailureCode.HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED);
        decrypted(event);
        await vi.advanceTimersByTimeAsync(5_000);
        expect(world.sent).not.toHaveBeenCalled();
        made.ready();
        await vi.advanceTimersByTimeAsync(5_000);
        const content = { device_id: "DEVICE", room_ids: [roomId] };
        expect(world.sent.mock.calls).toEqual([
            [HISTORY_REQUEST, new Map([[me, new Map([["*", { action: "ask", ...content }]])]])],
        ]);
        event.reason = null;
        decrypted(event);
        await vi.advanceTimersByTimeAsync(60 * 60_000);
        expect(world.sent.mock.calls.slice(1)).toEqual([
            [HISTORY_REQUEST, new Map([[me, new Map([["*", { action: "cancel", ...content }]])]])],
        ]);
    });

    it("asks again now and then while nobody answers", async () => {
        const { world, made, decrypted } = asker();
        made.ready();
        decrypted(message(DecryptionFailureCode.MEGOLM_UNKNOWN_INBOUND_SESSION_ID));
        await vi.advanceTimersByTimeAsync(60 * 60_000);
        expect(world.sent.mock.calls.length).toBeGreaterThanOrEqual(3);
        expect(world.sent.mock.calls.length).toBeLessThanOrEqual(5);
    });

    it("asks again soon when a colleague has signed in anew", async () => {
        const { world, made, decrypted } = asker();
        made.ready();
        decrypted(message(DecryptionFailureCode.MEGOLM_UNKNOWN_INBOUND_SESSION_ID));
        await vi.advanceTimersByTimeAsync(60_000);
        expect(world.sent).toHaveBeenCalledTimes(1);
        expect(world.prepare).toHaveBeenCalledTimes(1);
        world.emit(CryptoEvent.DevicesUpdated, ["@somebody:riverside.example"], false);
        await vi.advanceTimersByTimeAsync(60_000);
        expect(world.sent).toHaveBeenCalledTimes(1);
        world.emit(CryptoEvent.DevicesUpdated, [me], false);
        world.emit(CryptoEvent.DevicesUpdated, [me], false);
        await vi.advanceTimersByTimeAsync(1_000);
        expect(world.sent).toHaveBeenCalledTimes(2);
    });

    it("does not ask for what opens a moment later or can never be opened", async () => {
        const { world, made, decrypted } = asker();
        made.ready();
        const event = message(DecryptionFailureCode.MEGOLM_UNKNOWN_INBOUND_SESSION_ID);
        decrypted(event);
        event.reason = null;
        decrypted(event);
        decrypted(message(DecryptionFailureCode.UNKNOWN_ERROR));
        await vi.advanceTimersByTimeAsync(60 * 60_000);
        expect(world.sent).not.toHaveBeenCalled();
    });

    it("asks those first who wrote it, and never too many", () => {
        const many = Array.from({ length: 80 }, (_, n) => `@person${n}:riverside.example`);
        const asked = whomToAsk(newcomer, [newcomer, ...many], new Set(["@person79:riverside.example"]));
        expect(asked[0]).toBe("@person79:riverside.example");
        expect(asked).toHaveLength(50);
        expect(asked).not.toContain(newcomer);
    });
});
