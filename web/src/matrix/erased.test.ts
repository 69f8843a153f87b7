import { MatrixEvent } from "matrix-js-sdk";
import { expect, it } from "vitest";
import { isErased } from "./erased.ts";

function event(more: object): MatrixEvent {
    return new MatrixEvent({ type: "m.room.encrypted", event_id: "$1", content: {}, ...more });
}

it("knows what the server erased from what cannot be read, was deleted, or never said anything", () => {
    expect(isErased(event({}))).toBe(true);
    expect(isErased(event({ type: "m.room.message" }))).toBe(true);
    expect(isErased(event({ content: { ciphertext: "x" } }))).toBe(false);
    expect(isErased(event({ unsigned: { redacted_because: { type: "m.room.redaction" } } }))).toBe(false);
    expect(isErased(event({ type: "m.room.redaction" }))).toBe(false);
    expect(isErased(event({ type: "m.room.name", state_key: "" }))).toBe(false);
});
