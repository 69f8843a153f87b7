import { EventEmitter } from "node:events";
import { EventStatus, MatrixEvent, RoomEvent, type MatrixClient } from "matrix-js-sdk";
import { expect, test } from "vitest";
import { CLEAR_CLASS, sendClasses } from "./clear-class.ts";
import { REQUEST } from "./events.ts";

const request = {
    request_id: "8f2b6f9e-7d3e-4a0c-9a51-0c6a1a3f7a11",
    class: "urgent",
    to: { kind: "role", id: "registrar", display: "Medical registrar" },
    needed_by: 1_800_000_000_000,
    body: "Urgent request",
};
const sealed = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "AwgA" };

/** What goes over the wire of an event that the SDK has just encrypted. */
function wireOf(type: string, content: object, encrypted = true): object {
    const client = new EventEmitter() as unknown as MatrixClient;
    sendClasses(client);
    const event = new MatrixEvent({ type, content: { ...content }, room_id: "!r", event_id: "~1" });
    if (encrypted) event.makeEncrypted("m.room.encrypted", { ...sealed }, "curve", "ed");
    event.setStatus(EventStatus.SENDING);
    client.emit(RoomEvent.LocalEchoUpdated, event, undefined as never);
    return event.getWireContent();
}

test("the class of a request stands in clear beside the ciphertext, and nothing else of it", () => {
    expect(wireOf(REQUEST, request)).toEqual({ ...sealed, [CLEAR_CLASS]: "urgent" });
    expect(wireOf(REQUEST, { ...request, class: "information" })).toEqual({
        ...sealed,
        [CLEAR_CLASS]: "information",
    });
});

test("nothing is added to other messages, or to what is no request", () => {
    expect(wireOf("m.room.message", { body: "hello", class: "urgent" })).toEqual(sealed);
    expect(wireOf(REQUEST, { ...request, class: "whatever" })).toEqual(sealed);
    expect(wireOf(REQUEST, request, false)).toEqual(request);
});
