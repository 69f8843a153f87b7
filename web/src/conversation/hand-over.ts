/** What the field that is there before a conversation leaves to the one that takes its place. */
import { create } from "zustand";
import { useSession } from "../session/store.ts";

/** Where the writer is; not set without the keyboard. */
interface Caret {
    start: number;
    end: number;
}

const carets = new Map<string, Caret | undefined>();

/** Remembers where somebody writes in a conversation's field, as it goes. */
export function leaveField(roomId: string, field: HTMLTextAreaElement): void {
    const { selectionStart: start, selectionEnd: end } = field;
    carets.set(roomId, document.activeElement === field ? { start, end } : undefined);
}

/** Puts the keyboard into a conversation's next field where it was in the last; with `otherwise` also if it was in none. */
export function goOnWriting(roomId: string, field: HTMLTextAreaElement | null, otherwise: boolean): void {
    const caret = carets.get(roomId);
    if (!caret && !otherwise) return;
    field?.focus({ preventScroll: true });
    if (caret) field?.setSelectionRange(caret.start, caret.end);
    carets.delete(roomId);
}

/** The conversations whose field holds what is to be sent as soon as it can be. */
export const useSending = create<{ rooms: ReadonlySet<string> }>(() => ({ rooms: new Set() }));

// Another tab may write there before this one opens again: what was wanted here is not wanted then.
useSession.subscribe(({ phase }, before) => {
    if (phase === "elsewhere" && before.phase !== phase) useSending.setState({ rooms: new Set() });
});

/** What stands in a conversation's field is to be sent, or not any more. */
export function sendWhenOpen(roomId: string, yes: boolean): void {
    const rooms = new Set(useSending.getState().rooms);
    if (yes) rooms.add(roomId);
    else rooms.delete(roomId);
    useSending.setState({ rooms });
}
