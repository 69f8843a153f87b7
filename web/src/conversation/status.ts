import { ReceiptType, type Room } from "matrix-js-sdk";
import { DELIVERED_RECEIPT } from "../matrix/receipts.ts";
import { colleagues } from "../matrix/rooms.ts";
import { messageStatus, type MessageStatus, type Reader, type ReceiptMark } from "../matrix/ticks.ts";

/** Reads everybody's receipts once, then gives the status of any message of mine by its position. */
export function statusReader(room: Room): (index: number) => MessageStatus {
    const positions = new Map(
        room
            .getLiveTimeline()
            .getEvents()
            .map((event, index) => [event.getId(), index]),
    );
    const mark = (userId: string, type: ReceiptType): ReceiptMark | undefined => {
        const receipt = room.getReadReceiptForUserId(userId, false, type);
        return receipt ? { index: positions.get(receipt.eventId), at: receipt.data.ts } : undefined;
    };
    const readers = colleagues(room).map((member): Reader => ({
        userId: member.userId,
        name: member.rawDisplayName,
        delivered: mark(member.userId, DELIVERED_RECEIPT),
        seen: mark(member.userId, ReceiptType.Read),
    }));
    return (index) => messageStatus(index, readers);
}
