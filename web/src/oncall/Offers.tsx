import type { JSX } from "react";
import { Link } from "wouter";
import { useOnCall } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import { pagePath } from "../paths.ts";
import { useMe } from "../requests/use-request.ts";
import { useStaffNames } from "./Holder.tsx";
import type { OnCallRole } from "./model.ts";
import { useRoleAction } from "./use-role-action.ts";

/** The roles that are offered to this person, to be accepted or declined. */
export function Offers(): JSX.Element | null {
    const { data: roles } = useOnCall();
    const me = useMe();
    const offered = (roles ?? []).filter((role) => role.offer?.to.id === me);
    if (offered.length === 0) return null;
    return (
        <>
            {offered.map((role) => (
                <Offer key={role.id} role={role} />
            ))}
        </>
    );
}

/** One offer: what it is, what comes with it, yes or no. */
export function Offer({ role }: { role: OnCallRole }): JSX.Element | null {
    const name = useStaffNames();
    const { act, busy, problem } = useRoleAction(role.id);
    const { offer } = role;
    if (!offer) return null;
    return (
        <section className="notice offer" aria-label={t.role.offer(role.name)}>
            <p>
                <strong>{role.name}</strong>: {t.role.offeredToYou(name(offer.from))}
                {offer.until !== undefined && `, ${t.time.until(clockWithDay(offer.until, Date.now()))}`}
            </p>
            {problem !== undefined && (
                <p className="field-error" role="alert">
                    {problem}
                </p>
            )}
            <div className="actions__row">
                <Link className="button button--primary" href={pagePath("on-call", "handover", role.id)}>
                    {t.role.readList}
                </Link>
                <button
                    type="button"
                    className="button"
                    aria-disabled={busy}
                    onClick={() => void act("accept-offer")}
                >
                    {t.role.acceptOffer}
                </button>
                <button
                    type="button"
                    className="button"
                    aria-disabled={busy}
                    onClick={() => void act("decline-offer")}
                >
                    {t.role.declineOffer}
                </button>
            </div>
        </section>
    );
}
