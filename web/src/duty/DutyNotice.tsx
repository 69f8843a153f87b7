import type { JSX } from "react";
import { useWriteTo } from "../chats/use-write-to.ts";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { clock, clockWithDay } from "../i18n/time.ts";
import { Icon } from "../ui/Icon.tsx";
import { isQuiet, type Duty } from "./model.ts";
import { useStanding } from "./use-duty.ts";

/** What a sender should know of somebody before they write; nothing of who is simply on duty. */
function sentence(name: string, duty: Duty, now: number): string | undefined {
    const until = duty.until === undefined ? "" : ` ${t.time.until(clockWithDay(duty.until, now))}`;
    if (duty.state === "off")
        return duty.cover ? t.duty.off(name, until, duty.cover.name) : t.duty.offUncovered(name, until);
    if (duty.state === "busy") return t.duty.busy(name, until);
    if (duty.quiet && isQuiet(duty.quiet, clock(now))) return t.duty.inQuiet(name, duty.quiet.until);
    return undefined;
}

/** Tells whoever is about to write to somebody that they do not work, and who covers, one tap away. */
export function DutyNotice({ practitionerId }: { practitionerId: string }): JSX.Element | null {
    const { data: staff } = useStaff();
    const standing = useStanding(staff?.has(practitionerId) === true ? practitionerId : undefined);
    const { writeTo, failed } = useWriteTo();
    const name = staff?.get(practitionerId)?.name ?? practitionerId;
    const words = standing && sentence(name, standing.duty, Date.now());
    if (standing === undefined || words === undefined) return null;
    const { cover } = standing.duty;
    return (
        <div className="duty-notice" role="status">
            <p>
                <Icon name="clock" size={20} /> {words}
            </p>
            {failed && <p className="field-error">{t.chats.failed}</p>}
            {cover && (
                <button type="button" className="button" onClick={() => void writeTo(cover.id)}>
                    {t.duty.writeTo(cover.name)}
                </button>
            )}
        </div>
    );
}
