import type { JSX } from "react";
import { DutyLine } from "../directory/DutyLine.tsx";
import { useStanding } from "../duty/use-duty.ts";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import { useMe } from "../requests/use-request.ts";
import { Icon } from "../ui/Icon.tsx";
import type { Named, OnCallRole } from "./model.ts";

/** A shift that ends later than this has no end that anybody means. */
const YEAR = 366 * 86_400_000;

/** Turns somebody named by the service into the name that the directory has. */
export function useStaffNames(): (person: Named) => string {
    const { data: staff } = useStaff();
    return (person) => staff?.get(person.id)?.name ?? person.name ?? person.id;
}

/** Who holds a role now and until when; in red and in words where that is nobody, or nobody who can be reached. */
export function HolderLine({ role }: { role: OnCallRole }): JSX.Element {
    const name = useStaffNames();
    const me = useMe();
    const { holder, silent, offer } = role;
    const standing = useStanding(holder?.id);
    return (
        <>
            {holder ? (
                <p>
                    <strong>
                        {name(holder)}
                        {holder.id === me && ` (${t.onCall.you})`}
                    </strong>
                    {holder.until !== undefined && holder.until - Date.now() < YEAR && (
                        <span className="muted"> {t.time.until(clockWithDay(holder.until, Date.now()))}</span>
                    )}
                    {holder.by === "deputy" && <span className="muted"> ({t.role.by.deputy})</span>}
                </p>
            ) : (
                <p className="role__nobody">
                    <Icon name="nobody" size={18} /> {t.onCall.nobody}
                    <span className="role__hint">{t.onCall.nobodyHint}</span>
                </p>
            )}
            {silent !== undefined && (
                <p className="role__nobody">
                    <Icon name={silent === "muted" ? "mute" : "warning"} size={18} /> {t.role.silent[silent]}
                </p>
            )}
            {holder && <DutyLine duty={standing?.duty} />}
            {offer && (
                <p className="muted">
                    {offer.to.id === me
                        ? t.role.offeredToYou(name(offer.from))
                        : t.role.offeredTo(name(offer.to))}
                </p>
            )}
        </>
    );
}
