import { useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { OutboxItem } from "../matrix/outbox-logic.ts";
import type { MessageStatus } from "../matrix/ticks.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Readers } from "./MessageInfo.tsx";

function words(status: MessageStatus): string {
    const all = status.readers.length;
    if (status.tick === "seen") return t.ticks.seenBy(status.seenBy, all);
    return status.tick === "delivered" ? t.ticks.deliveredTo(status.deliveredTo, all) : t.ticks.sent;
}

/** Sent, delivered, seen by n of m; a tap shows who and when. */
export function Ticks({ status, spelledOut }: { status: MessageStatus; spelledOut: boolean }): JSX.Element {
    const [open, setOpen] = useState(false);
    const line = words(status);
    return (
        <>
            <button
                type="button"
                className={`ticks ticks--${status.tick}`}
                aria-label={t.ticks.showWho(line)}
                onClick={() => setOpen(true)}
            >
                {spelledOut && <span>{line}</span>}
                <Icon name={status.tick === "sent" ? "sent" : "double"} size={18} />
            </button>
            {open && (
                <Dialog title={t.ticks.who} onClose={() => setOpen(false)}>
                    <Readers readers={status.readers} />
                </Dialog>
            )}
        </>
    );
}

/** The state of a message that the server has not confirmed. */
export function QueueTick({ item, online }: { item: OutboxItem; online: boolean }): JSX.Element {
    const waiting = online || item.state === "sending" ? t.ticks.sending : t.ticks.queued;
    return (
        <span className="ticks" role="img" aria-label={item.state === "sent" ? t.ticks.sent : waiting}>
            <Icon name={item.state === "sent" ? "sent" : "clock"} size={16} />
        </span>
    );
}
