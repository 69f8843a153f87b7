import { lazy, Suspense, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { Icon } from "../ui/Icon.tsx";
import { useCallOptions } from "./use-calls.ts";

const CrashCallDialog = lazy(async () => ({
    default: (await import("./CrashCallDialog.tsx")).CrashCallDialog,
}));
const BroadcastDialog = lazy(async () => ({
    default: (await import("./BroadcastDialog.tsx")).BroadcastDialog,
}));

/** The button that begins a crash call, in a patient's conversation (`small`) or on the board of roles. */
export function CrashCallButton({
    roomId,
    small = false,
}: {
    roomId?: string;
    small?: boolean;
}): JSX.Element | null {
    const options = useCallOptions();
    const [open, setOpen] = useState(false);
    if (!options || options.plans.length === 0) return null;
    return (
        <>
            <button
                type="button"
                className={small ? "icon-button crash-button" : "button button--danger crash-button"}
                aria-label={t.alarms.crashCall}
                title={t.alarms.crashCallHint}
                onClick={() => setOpen(true)}
            >
                <Icon name="urgent" size={small ? 24 : 20} />
                {!small && <span>{t.alarms.crashCall}</span>}
            </button>
            {open && (
                <Suspense>
                    <CrashCallDialog plans={options.plans} roomId={roomId} onClose={() => setOpen(false)} />
                </Suspense>
            )}
        </>
    );
}

/** The button that begins a broadcast, for those who may. */
export function BroadcastButton(): JSX.Element | null {
    const options = useCallOptions();
    const [open, setOpen] = useState(false);
    if (options?.mayBroadcast !== true) return null;
    return (
        <>
            <button type="button" className="button" onClick={() => setOpen(true)}>
                {t.alarms.broadcast}
            </button>
            {open && (
                <Suspense>
                    <BroadcastDialog onClose={() => setOpen(false)} />
                </Suspense>
            )}
        </>
    );
}
