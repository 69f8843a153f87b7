import { useQuery } from "@tanstack/react-query";
import { useState, type JSX } from "react";
import type { PageProps } from "../Detail.tsx";
import { PersonPicker } from "../directory/PersonPicker.tsx";
import { FhirError } from "../fhir/client.ts";
import { AuditEventSchema, readAll } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { clock, dateTime } from "../i18n/time.ts";
import { useStaffNames } from "../oncall/Holder.tsx";
import type { StaffMember } from "../oncall/model.ts";
import { useSession } from "../session/store.ts";
import { Field } from "../ui/Field.tsx";
import { Page } from "../ui/Page.tsx";
import { Empty, LoadFailed, Loading } from "../ui/parts.tsx";
import { accessCsv, accessOf, accessSearch, everyLook, type Access, type AccessFilter } from "./access.ts";
import { FindForAccess } from "./FindForAccess.tsx";

/** Who looked at a patient's record, when, how and why: for the privacy officer. Without an id: finding the record. */
export function AccessPage({ id, back }: PageProps): JSX.Element {
    return id === "" ? <FindForAccess back={back} /> : <AccessList key={id} id={id} back={back} />;
}

function AccessList({ id, back }: PageProps): JSX.Element {
    const fhir = useSession((session) => session.fhir);
    const name = useStaffNames();
    const [filter, setFilter] = useState<AccessFilter>(everyLook);
    // Each reading is recorded, so it is read once and not again and again.
    const looks = useQuery({
        queryKey: ["access", id, filter],
        enabled: fhir !== undefined,
        staleTime: Infinity,
        gcTime: 0,
        retry: false,
        queryFn: async () => {
            if (!fhir) throw new Error("signed out");
            return readAll(AuditEventSchema, await fhir.search("AuditEvent", accessSearch(id, filter))).map(
                accessOf,
            );
        },
    });
    const refused = looks.error instanceof FhirError && looks.error.status === 403;
    const { data } = looks;
    return (
        <Page title={t.access.title} back={back}>
            {!refused && <Filter filter={filter} onChange={setFilter} />}
            {data && (
                <div className="actions__row no-print">
                    <button type="button" className="button" onClick={() => save(accessCsv(data, name))}>
                        {t.access.save}
                    </button>
                    <button type="button" className="button" onClick={() => print()}>
                        {t.handover.print}
                    </button>
                </div>
            )}
            {looks.isPending && <Loading />}
            {refused && <Empty icon="lock">{t.access.refused}</Empty>}
            {looks.isError && !refused && <LoadFailed stale={false} retry={() => void looks.refetch()} />}
            {data?.length === 0 && (
                <Empty icon="lock">{filter === everyLook ? t.access.none : t.access.noneSuch}</Empty>
            )}
            {data && data.length > 0 && <AccessTable looks={data} />}
        </Page>
    );
}

/** Gives the person a file. */
function save(table: string): void {
    const url = URL.createObjectURL(new Blob([table], { type: "text/csv" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = t.access.file;
    link.click();
    URL.revokeObjectURL(url);
}

/** From which day to which, and by whom. */
function Filter(props: { filter: AccessFilter; onChange: (filter: AccessFilter) => void }): JSX.Element {
    const { filter, onChange } = props;
    const [person, setPerson] = useState<StaffMember>();
    return (
        <div className="access-filter no-print" role="group" aria-label={t.access.filter}>
            {(["from", "to"] as const).map((end) => (
                <Field key={end} label={t.access[end]}>
                    {(attributes) => (
                        <input
                            {...attributes}
                            type="date"
                            value={filter[end]}
                            onChange={(event) => onChange({ ...filter, [end]: event.target.value })}
                        />
                    )}
                </Field>
            ))}
            <PersonPicker
                label={t.access.by}
                chosen={person}
                withMe
                onChoose={(chosen) => {
                    setPerson(chosen);
                    onChange({ ...filter, person: chosen });
                }}
            />
        </div>
    );
}

function AccessTable({ looks }: { looks: Access[] }): JSX.Element {
    const name = useStaffNames();
    return (
        <>
            <p className="access-count" role="status">
                {t.access.count(looks.length)}
            </p>
            <ul className="accesses">
                {looks.map((look) => (
                    <li
                        key={look.id}
                        className={look.kind === "break-glass" ? "access access--glass" : "access"}
                    >
                        <time dateTime={new Date(look.at).toISOString()}>
                            {look.times > 1
                                ? t.access.times(clock(look.since), dateTime(look.at), look.times)
                                : dateTime(look.at)}
                        </time>
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
