/** How far a message of mine has come. Pure; `delivery.ts` reads the SDK. */
export type Tick = "sent" | "delivered" | "seen";

/** The newest receipt of one person for one kind. */
export interface ReceiptMark {
    /** Position of the event it points at in the loaded timeline; `undefined` when that is not loaded. */
    index: number | undefined;
    /** When the receipt was made, milliseconds since the epoch. */
    at: number;
}

export interface Reader {
    userId: string;
    name: string;
    delivered?: ReceiptMark | undefined;
    seen?: ReceiptMark | undefined;
}

export interface ReaderStatus {
    userId: string;
    name: string;
    tick: Tick;
    /** When that was learnt, if known. */
    at?: number | undefined;
    /** When it had arrived at the latest; known as long as the receipt for it covers this message. */
    deliveredAt?: number | undefined;
}

export interface MessageStatus {
    tick: Tick;
    readers: ReaderStatus[];
    seenBy: number;
    deliveredTo: number;
}

/**
 * A receipt covers a message when it points at it or at a later one. One that points outside the loaded timeline
 * points before it (the newest part is always loaded), so it covers nothing we show.
 */
function covers(mark: ReceiptMark | undefined, index: number): boolean {
    return mark?.index !== undefined && mark.index >= index;
}

/** The state of the message at `index`, from the receipts of everybody else in the conversation. */
export function messageStatus(index: number, readers: readonly Reader[]): MessageStatus {
    const statuses = readers.map((reader): ReaderStatus => {
        const deliveredAt = covers(reader.delivered, index) ? reader.delivered?.at : undefined;
        const base = { userId: reader.userId, name: reader.name, deliveredAt };
        if (covers(reader.seen, index)) return { ...base, tick: "seen", at: reader.seen?.at };
        if (covers(reader.delivered, index)) return { ...base, tick: "delivered", at: reader.delivered?.at };
        return { ...base, tick: "sent" };
    });
    const seenBy = statuses.filter((status) => status.tick === "seen").length;
    const deliveredTo = statuses.filter((status) => status.tick !== "sent").length;
    const tick: Tick = seenBy > 0 ? "seen" : deliveredTo > 0 ? "delivered" : "sent";
    return { tick, readers: statuses, seenBy, deliveredTo };
}
