import type { MatrixEvent } from "matrix-js-sdk";

/**
 * Whether the server has erased what an event said because it is old (MSC1763), or with the history of its room: nothing of it is left,
 * and nobody has deleted it.
 */
export function isErased(event: MatrixEvent): boolean {
    return (
        !event.isState() &&
        event.status === null &&
        !event.isRedacted() &&
        !event.getType().startsWith("m.room.redaction") &&
        Object.keys(event.getWireContent()).length === 0
    );
}
