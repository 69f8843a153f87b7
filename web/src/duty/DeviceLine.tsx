import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import { checked } from "../push/self-test.ts";
import { Icon } from "../ui/Icon.tsx";
import { isCurrent } from "./model.ts";
import { useStanding } from "./use-duty.ts";

/** Whether the device of whoever holds a role was tested for this shift, for the team that relies on it. */
export function DeviceLine({ practitionerId }: { practitionerId: string }): JSX.Element | null {
    const standing = useStanding(practitionerId);
    const now = Date.now();
    const check = standing?.check;
    if (!standing || !isCurrent(check, now)) return null;
    const failed = checked.filter((what) => check.failed.includes(what)).map((what) => t.push.checks[what]);
    const well = failed.length === 0;
    return (
        <p className={well ? "device-line" : "device-line device-line--bad"}>
            <Icon name={well ? "action" : "warning"} size={16} />
            {well
                ? t.duty.deviceWorks(clockWithDay(check.at, now))
                : t.duty.deviceFails(failed.join(", "), clockWithDay(check.at, now))}
        </p>
    );
}
