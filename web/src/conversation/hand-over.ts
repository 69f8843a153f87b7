/** Where the writer is in the field that is there before the conversation is, for the one that takes its place. */
interface HandedOver {
    /** The field has the keyboard. */
    focused: boolean;
    start: number;
    end: number;
    /** They have pressed Send. */
    send: boolean;
}

const left = new Map<string, HandedOver>();

/** Leaves a conversation's field as it is now for the next one. */
export function handOver(roomId: string, state: HandedOver): void {
    left.set(roomId, state);
}

/** Puts the keyboard into a conversation's next field where it was in the last; with `otherwise` also if there was none. */
export function goOnWriting(roomId: string, field: HTMLTextAreaElement | null, otherwise: boolean): void {
    const before = left.get(roomId);
    if (before?.focused !== true && !otherwise) return;
    field?.focus({ preventScroll: true });
    if (before?.focused === true) field?.setSelectionRange(before.start, before.end);
}

/** How the last field of a conversation was left; `taken` once the next one goes on with it. */
export function handedOver(roomId: string): HandedOver | undefined {
    return left.get(roomId);
}

export function taken(roomId: string): void {
    left.delete(roomId);
}
