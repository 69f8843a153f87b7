import { useState, type JSX } from "react";
import { useTellDeviceCheck } from "../duty/use-duty.ts";
import { t } from "../i18n/index.ts";
import { useClient } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { check, type Check } from "./self-test.ts";

/** Tests all that has to work on this device, shows it, and tells the team of whoever holds a role. */
export function SelfTest({ onDone }: { onDone?: (checks: readonly Check[]) => void }): JSX.Element {
    const client = useClient();
    const tell = useTellDeviceCheck();
    const [checks, setChecks] = useState<Check[]>();
    const [busy, setBusy] = useState(false);
    const run = async (): Promise<void> => {
        if (busy) return;
        setBusy(true);
        const found = await check(client);
        setChecks(found);
        setBusy(false);
        // Who is not in the directory has no team that looks at it.
        await tell.mutateAsync(found.filter(({ ok }) => !ok).map(({ what }) => what)).catch(() => undefined);
        onDone?.(found);
    };
    return (
        <div className="self-test">
            <button type="button" className="button" aria-disabled={busy} onClick={() => void run()}>
                {busy ? t.push.testing : t.push.test}
            </button>
            <ul aria-live="polite">
                {checks?.map((one) => (
                    <li key={one.what} className={one.ok ? "self-test__ok" : "self-test__bad"}>
                        <Icon name={one.ok ? "action" : "warning"} size={20} />
                        <span>
                            <strong>{t.push.checks[one.what]}</strong>:{" "}
                            {one.ok ? t.push.works : t.push.advice[one.what]}
                        </span>
                    </li>
                ))}
            </ul>
            {tell.isSuccess && <p className="muted">{t.push.told}</p>}
        </div>
    );
}
