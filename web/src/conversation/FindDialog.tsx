import type { Room } from "matrix-js-sdk";
import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { GoToDate } from "./GoToDate.tsx";

/** Finding something in a conversation. */
export function FindDialog({ room, onClose }: { room: Room; onClose: () => void }): JSX.Element {
    return (
        <Dialog title={t.find.title} onClose={onClose}>
            <GoToDate room={room} onGone={onClose} />
        </Dialog>
    );
}
