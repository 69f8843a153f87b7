import type { JSX } from "react";
import type { PageProps } from "../Detail.tsx";
import { FhirError } from "../fhir/client.ts";
import { useFhir } from "../fhir/queries.ts";
import { AuditEventSchema, readAll } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { dateTime } from "../i18n/time.ts";
import { useStaffNames } from "../oncall/Holder.tsx";
import { Page } from "../ui/Page.tsx";
import { Empty, LoadFailed, Loading } from "../ui/parts.tsx";
import { accessOf, type Access } from "./access.ts";

/** Who looked at a patient's record, when, how and why: for the privacy officer. */
export function AccessPage({ id, back }: PageProps): JSX.Element {
    const looks = useFhir(
        ["access", id],
        async (fhir) =>
            readAll(AuditEventSchema, await fhir.search("AuditEvent", { patient: id })).map(accessOf),
        60_000,
    );
    const refused = looks.error instanceof FhirError && looks.error.status === 403;
    return (
        <Page
            title={t.access.title}
            back={back}
            tools={
                looks.data && (
                    <button type="button" className="button no-print" onClick={() => print()}>
                        {t.handover.print}
                    </button>
                )
            }
        >
            {looks.isPending && <Loading />}
            {refused && <Empty icon="lock">{t.access.refused}</Empty>}
            {looks.isError && !refused && (
                <LoadFailed stale={looks.data !== undefined} retry={() => void looks.refetch()} />
            )}
            {looks.data?.length === 0 && <Empty icon="lock">{t.access.none}</Empty>}
            {looks.data && looks.data.length > 0 && <AccessTable looks={looks.data} />}
        </Page>
    );
}

function AccessTable({ looks }: { looks: Access[] }): JSX.Element {
    const name = useStaffNames();
    return (
        <>
            <p>{t.access.count(looks.length)}</p>
            <ul className="accesses">
                {looks.map((look) => (
                    <li
                        key={look.id}
                        className={look.kind === "break-glass" ? "access access--glass" : "access"}
                    >
                        <time dateTime={new Date(look.at).toISOString()}>{dateTime(look.at)}</time>
                        <span>
                            <strong>{look.person ? name(look.person) : look.user}</strong>{" "}
                            {t.access.kind[look.kind]}
                            {!look.allowed && ` (${t.access.denied})`}
                        </span>
                        {look.reason !== undefined && <span>{t.access.reason(look.reason)}</span>}
                        {look.device !== undefined && (
                            <span className="muted">{t.requests.device(look.device)}</span>
                        )}
                    </li>
                ))}
            </ul>
        </>
    );
}
