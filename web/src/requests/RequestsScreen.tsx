import { useMemo, useState, type JSX } from "react";
import { Link } from "wouter";
import { useRequests } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { ago } from "../i18n/time.ts";
import { pagePath } from "../paths.ts";
import { shortName } from "../patients/format.ts";
import { usePatient } from "../patients/use-patient.ts";
import { useClient } from "../session/store.ts";
import { ClassBadge, LoadFailed, Loading, useNow } from "../ui/parts.tsx";
import { byUrgency, clockDifference, isMineToDo, isOpen, type Request } from "./model.ts";
import { RequestStatus } from "./RequestCard.tsx";
import { useMe, useNames } from "./use-request.ts";

interface Sorted {
    mine: Request[];
    waiting: Request[];
    closed: Request[];
    /** Open ones of the conversations that this person belongs to, which somebody else must do. */
    team: Request[];
}

function sortOut(requests: readonly Request[], me: string, now: number): Sorted {
    const midnight = new Date(now).setHours(0, 0, 0, 0);
    const concerns = (one: Request): boolean => one.requesterId === me || one.acceptedById === me;
    return {
        mine: requests.filter((one) => isMineToDo(one, me)).toSorted(byUrgency),
        waiting: requests
            .filter((one) => isOpen(one) && (one.requesterId === me || one.delegatedById === me))
            .toSorted(byUrgency),
        closed: requests
            .filter((one) => !isOpen(one) && concerns(one) && one.changedAt >= midnight)
            .toSorted((a, b) => b.changedAt - a.changedAt),
        team: requests
            .filter(
                (one) =>
                    isOpen(one) && !isMineToDo(one, me) && ![one.requesterId, one.delegatedById].includes(me),
            )
            .toSorted(byUrgency),
    };
}

const views = ["mine", "team"] as const;

/** What this person must do and what they wait for, and what their team does, with clocks and the chain of who saw it when. */
export function RequestsScreen(): JSX.Element {
    const requests = useRequests();
    const me = useMe();
    const [view, setView] = useState<(typeof views)[number]>("mine");
    const sorted = useMemo(() => sortOut(requests.data ?? [], me, Date.now()), [requests.data, me]);
    if (requests.isPending) return <Loading />;
    const counts = { mine: sorted.mine.length, team: sorted.team.length };
    return (
        <>
            {requests.isError && (
                <LoadFailed stale={requests.data !== undefined} retry={() => void requests.refetch()} />
            )}
            <WrongClock requests={requests.data ?? []} />
            <div className="filters" role="group" aria-label={t.requests.view}>
                {views.map((value) => (
                    <button
                        key={value}
                        type="button"
                        className="chip"
                        aria-pressed={view === value}
                        onClick={() => setView(value)}
                    >
                        {t.requests.views[value]} {counts[value]}
                    </button>
                ))}
            </div>
            {view === "mine" ? (
                <>
                    <Section title={t.requests.mine} empty={t.requests.emptyMine} requests={sorted.mine} />
                    <Section
                        title={t.requests.waiting}
                        empty={t.requests.emptyWaiting}
                        requests={sorted.waiting}
                    />
                    {sorted.closed.length > 0 && (
                        <Section
                            title={t.requests.closed}
                            empty={t.requests.emptyClosed}
                            requests={sorted.closed}
                        />
                    )}
                </>
            ) : (
                <Section title={t.requests.team} empty={t.requests.emptyTeam} requests={sorted.team} />
            )}
        </>
    );
}

/** The clock of this device differs from the server's: the times that it shows are wrong. */
function WrongClock({ requests }: { requests: readonly Request[] }): JSX.Element | null {
    const device = useClient().getDeviceId();
    const off = useMemo(() => clockDifference(requests, device), [requests, device]);
    if (off === undefined) return null;
    return (
        <p className="notice notice--warning" role="status">
            {t.requests.wrongClock(off)}
        </p>
    );
}

function Section({
    title,
    empty,
    requests,
}: {
    title: string;
    empty: string;
    requests: Request[];
}): JSX.Element {
    return (
        <section className="group" aria-label={title}>
            <h2 className="group__title">
                {title} <span className="muted">{requests.length}</span>
            </h2>
            {requests.length === 0 ? (
                <p className="group__empty">{empty}</p>
            ) : (
                <ul className="rows rows--cards">
                    {requests.map((request) => (
                        <RequestRow key={request.id} request={request} />
                    ))}
                </ul>
            )}
        </section>
    );
}

function RequestRow({ request }: { request: Request }): JSX.Element {
    const found = usePatient(request.patientRef);
    const name = useNames();
    const now = useNow(30_000);
    const unknown = request.patientRef === undefined ? t.requests.noPatient : t.patients.unknown;
    const patient = found ? shortName(found.patient) : unknown;
    return (
        <li>
            <article
                className={`request request--${request.class}`}
                aria-label={`${patient}: ${name(request.addressed)}`}
            >
                <header className="request__head">
                    <ClassBadge value={request.class} />
                    <span className="muted">{t.requests.raised(ago(request.raisedAt, now))}</span>
                </header>
                <p className="request__patient">
                    <strong>{patient}</strong>
                    {found?.place.bed && ` · ${t.patients.bed(found.place.bed)}`}
                    {found?.place.ward && ` · ${found.place.ward}`}
                </p>
                <p>
                    {t.requests.to} <strong>{name(request.addressed)}</strong>
                </p>
                {request.description !== undefined && <p>{t.clerk(request.description)}</p>}
                <RequestStatus request={request} />
                <div className="actions__row">
                    <Link className="button button--quiet" href={pagePath("requests", "task", request.id)}>
                        {t.requests.details}
                    </Link>
                    {request.roomId !== undefined && (
                        <Link
                            className="button button--quiet"
                            href={`/requests/${encodeURIComponent(request.roomId)}`}
                        >
                            {t.requests.open}
                        </Link>
                    )}
                </div>
            </article>
        </li>
    );
}
