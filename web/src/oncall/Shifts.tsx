import type { JSX } from "react";
import { useShifts } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { clock, dayLabel } from "../i18n/time.ts";
import { Part } from "../ui/Page.tsx";
import { LoadFailed, useNow } from "../ui/parts.tsx";
import { useStaffNames } from "./Holder.tsx";
import { comingShifts, type Shift } from "./model.ts";

/** How far ahead shifts are shown, in days. */
const DAYS = 7;

/** The shifts of a role in the coming week, day by day. */
export function Shifts({ roleId }: { roleId: string }): JSX.Element {
    const shifts = useShifts(roleId);
    const now = useNow(60_000);
    const coming = comingShifts(shifts.data ?? [], now, DAYS);
    return (
        <Part title={t.shifts.title}>
            {shifts.isError && (
                <LoadFailed stale={shifts.data !== undefined} retry={() => void shifts.refetch()} />
            )}
            {shifts.data && coming.length === 0 && <p className="muted">{t.shifts.none}</p>}
            {byDay(coming, now).map(([day, list]) => (
                <div key={day} className="day-shifts">
                    <h4>{day}</h4>
                    <ul className="plain">
                        {list.map((shift) => (
                            <ShiftLine key={shift.id} shift={shift} />
                        ))}
                    </ul>
                </div>
            ))}
        </Part>
    );
}

function byDay(shifts: readonly Shift[], now: number): [string, Shift[]][] {
    const days = new Map<string, Shift[]>();
    for (const shift of shifts) {
        const day = shift.start === undefined ? t.shifts.always : dayLabel(Math.max(shift.start, now), now);
        days.set(day, [...(days.get(day) ?? []), shift]);
    }
    return [...days];
}

function ShiftLine({ shift }: { shift: Shift }): JSX.Element {
    const name = useStaffNames();
    const { start, end } = shift;
    return (
        <li className="shift">
            {start !== undefined && end !== undefined && (
                <span className="shift__time">{t.shifts.times(clock(start), clock(end))}</span>
            )}
            <span>
                {name(shift.person)}
                {shift.deputy && <span className="muted"> ({t.role.by.deputy})</span>}
            </span>
        </li>
    );
}
