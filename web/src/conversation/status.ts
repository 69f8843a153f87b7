import { ReceiptType, type Room } from "matrix-js-sdk";
import { positionsOf } from "../matrix/positions.ts";
import { DELIVERED_RECEIPT } from "../matrix/receipts.ts";
import { colleagues } from "../matrix/rooms.ts";
import { messageStatus, type MessageStatus, type Reader, type ReceiptMark } from "../matrix/ticks.ts";

/** Reads everybody's receipts once, then gives the status of any message of mine by its event's id. */
export function statusReader(room: Room): (eventId: string) => MessageStatus {
    const position = positionsOf(room);
    const mark = (userId: string, type: ReceiptType): ReceiptMark | undefined => {
        const receipt = room.getReadReceiptForUserId(userId, false, type);
        return receipt ? { index: position(receipt.eventId), at: receipt.data.ts } : undefined;
    };
    const readers = colleagues(room).map((member): Reader => ({
        userId: member.userId,
        name: member.rawDisplayName,
        delivered: mark(member.userId, DELIVERED_RECEIPT),
        seen: mark(member.userId, ReceiptType.Read),
    }));
    return (eventId) => messageStatus(position(eventId) ?? Infinity, readers);
}
