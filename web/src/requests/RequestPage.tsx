import { useEffect, type JSX } from "react";
import { Link } from "wouter";
import type { PageProps } from "../Detail.tsx";
import { useFhir, useOnCall } from "../fhir/queries.ts";
import { readAll, TaskSchema } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { dateTime } from "../i18n/time.ts";
import { pagePath } from "../paths.ts";
import { PatientSummary } from "../patients/PatientBanner.tsx";
import { Page, Part } from "../ui/Page.tsx";
import { ClassBadge, Empty, LoadFailed, Loading } from "../ui/parts.tsx";
import { Actions } from "./Actions.tsx";
import { Chain } from "./Chain.tsx";
import { useRequestNotices } from "./delivery.ts";
import { requestFromTask, type Request } from "./model.ts";
import { RequestStatus } from "./RequestCard.tsx";
import { useRequestWords } from "./request-event.ts";
import { RequestWords } from "./RequestWords.tsx";
import { useMe, useNames, useRequest } from "./use-request.ts";

/** One request, whole: whom it is about, its words, where it stands, what one can do, everything that happened to it. */
export function RequestPage({ id, back }: PageProps): JSX.Element {
    const listed = useRequest(id);
    // One that is long over is not among those that are always at hand.
    const other = useFhir(
        ["request", id],
        async (fhir) => {
            const task = readAll(TaskSchema, [await fhir.get(`Task/${encodeURIComponent(id)}`)])[0];
            return (task && requestFromTask(task)) ?? null;
        },
        30_000,
        listed === undefined,
    );
    const request = listed ?? other.data;
    return (
        <Page title={t.requests.one} back={back} tools={request && <ClassBadge value={request.class} />}>
            {!request && other.isPending && <Loading />}
            {!request && other.isError && <LoadFailed stale={false} retry={() => void other.refetch()} />}
            {!request && other.isError && <Empty icon="requests">{t.requests.gone}</Empty>}
            {request && <RequestDetails request={request} />}
        </Page>
    );
}

function RequestDetails({ request }: { request: Request }): JSX.Element {
    const words = useRequestWords(request);
    const { seen } = useRequestNotices();
    useEffect(() => seen(request), [request, seen]);
    return (
        <>
            {request.patientRef !== undefined && (
                <div className="subject">
                    <PatientSummary patientRef={request.patientRef} />
                </div>
            )}
            <Part title={t.requests.what}>
                {request.description !== undefined && <p>{t.clerk(request.description)}</p>}
                {request.description === undefined && words === "loading" && (
                    <p className="muted">{t.requests.wordsLoading}</p>
                )}
                {request.description === undefined && words === "missing" && (
                    <p className="notice notice--warning">{t.requests.wordsMissing}</p>
                )}
                {typeof words === "object" && <RequestWords content={words} />}
            </Part>
            <Part title={t.requests.stands}>
                <RequestStatus request={request} withActions={false} withChain={false} />
                <Actions request={request} />
                <Facts request={request} />
                <Ways request={request} />
            </Part>
            <Part title={t.requests.chain}>
                <Chain request={request} open />
            </Part>
        </>
    );
}

function Facts({ request }: { request: Request }): JSX.Element {
    const name = useNames();
    const people = (all: readonly Parameters<typeof name>[0][]): string => all.map(name).join(", ");
    const facts: [string, string][] = [
        [t.requests.from, name(requester(request))],
        [t.requests.to, name(request.addressed)],
        [t.requests.raisedAt, dateTime(request.raisedAt)],
    ];
    if (request.neededBy !== undefined) facts.push([t.requests.due, dateTime(request.neededBy)]);
    if (request.acceptedById !== undefined) {
        const owner = { kind: "person" as const, id: request.acceptedById, display: request.acceptedByName };
        facts.push([t.requests.owner, name(owner)]);
    } else if (request.holders.length > 0) {
        facts.push([t.requests.askedNow, people(request.holders)]);
    }
    if (request.helpers.length > 0) facts.push([t.requests.helpers, people(request.helpers)]);
    if (request.playbook !== undefined) facts.push([t.requests.playbook, request.playbook]);
    return (
        <dl className="facts">
            {facts.map(([label, value]) => (
                <div key={label}>
                    <dt>{label}</dt>
                    <dd>{value}</dd>
                </div>
            ))}
        </dl>
    );
}

function requester(request: Request): Parameters<ReturnType<typeof useNames>>[0] {
    if (request.requesterId === undefined) return undefined;
    return { kind: "person", id: request.requesterId, display: request.requesterName };
}

/** Where one can go from here. */
function Ways({ request }: { request: Request }): JSX.Element {
    const officer = usePrivacyOfficer();
    const { roomId, patientRef } = request;
    return (
        <div className="actions__row">
            {roomId !== undefined && (
                <Link className="button" href={`/requests/${encodeURIComponent(roomId)}`}>
                    {t.requests.open}
                </Link>
            )}
            {officer && patientRef !== undefined && (
                <Link className="button" href={pagePath("requests", "access", patientRef)}>
                    {t.access.title}
                </Link>
            )}
        </div>
    );
}

/** Whether this person holds the role of a privacy officer now. */
export function usePrivacyOfficer(): boolean {
    const me = useMe();
    const { data: roles } = useOnCall();
    return (roles ?? []).some((role) => role.kind === "privacy-officer" && role.holder?.id === me);
}
