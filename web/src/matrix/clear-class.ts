import type { MatrixClient, MatrixEvent } from "matrix-js-sdk";
import { EventStatus, RoomEvent } from "matrix-js-sdk";
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

/** Puts the class of an encrypted request beside its ciphertext; leaves every other event as it is. */
export function putClass(event: MatrixEvent): void {
    if (!event.isEncrypted() || event.getType() !== REQUEST) return;
    const content = parse(RequestContentSchema, event.getContent());
    if (content) event.event.content = { ...event.getWireContent(), [CLEAR_CLASS]: content.class };
}
