import type { MatrixClient, MatrixEvent } from "matrix-js-sdk";
import { EventStatus, EventType, RoomEvent } from "matrix-js-sdk";
import { parse, REQUEST, RequestContentSchema } from "./events.ts";

/** How urgent a request is, in clear beside its ciphertext: push rules and Web Push must know before anybody can decrypt. */
export const CLEAR_CLASS = "org.wardline.class";

/**
 * Puts the class of every request that is sent beside its ciphertext. The clerk says the same in clear with the first step
 * of the request, so nothing becomes known that was not.
 */
export function sendClasses(client: MatrixClient): void {
    // Emitted when an event is encrypted and before it goes out.
    client.on(RoomEvent.LocalEchoUpdated, (event) => {
        if (event.status === EventStatus.SENDING) putClass(event);
    });
}

/** What push rules and Web Push may know of an event: the class of a request, that it is a call, that it is nothing to tell. */
function classOf(event: MatrixEvent): string | undefined {
    const type = event.getType();
    if (type === REQUEST) return parse(RequestContentSchema, event.getContent())?.class;
    if (type === (EventType.CallInvite as string)) return "call";
    // What follows a call is between the two devices.
    return type.startsWith("m.call.") ? "signal" : undefined;
}

/** Puts the class of an encrypted event beside its ciphertext; leaves every other event as it is. */
export function putClass(event: MatrixEvent): void {
    const known = event.isEncrypted() ? classOf(event) : undefined;
    if (known !== undefined) event.event.content = { ...event.getWireContent(), [CLEAR_CLASS]: known };
}
