import { lazy, Suspense, useMemo, useState, type JSX } from "react";
import { Link } from "wouter";
import { useOnCall, usePatients, usePlaces, useRequests } from "../fhir/queries.ts";
import { Hint } from "../help/Hint.tsx";
import { t } from "../i18n/index.ts";
import { roomOfPatient } from "../matrix/rooms.ts";
import { useAllRooms } from "../matrix/use-rooms.ts";
import { pagePath } from "../paths.ts";
import { isOpen, isUnanswered, type Request } from "../requests/model.ts";
import { useMe } from "../requests/use-request.ts";
import { useClient } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { Empty, LoadFailed, Loading, UnreadBadge } from "../ui/parts.tsx";
import { PRIVACY_OFFICER } from "./access.ts";
import { bornWithAge, nhsNumber, shortName } from "./format.ts";
import { byWard, type Patient } from "./model.ts";
import { PatientFlags } from "./PatientBanner.tsx";

const FindPatient = lazy(async () => ({ default: (await import("./FindPatient.tsx")).FindPatient }));

/** The ward list: patients by bed, with their open requests; one tap opens the conversation. */
export function PatientsScreen({ openRoom }: { openRoom: string | undefined }): JSX.Element {
    const patients = usePatients();
    const { data: places } = usePlaces();
    const { data: requests } = useRequests();
    const { data: roles } = useOnCall();
    const me = useMe();
    const officer = roles?.some((role) => role.kind === PRIVACY_OFFICER && role.holder?.id === me) ?? false;
    const [finding, setFinding] = useState(false);
    const wards = useMemo(() => byWard(patients.data ?? [], places), [patients.data, places]);
    if (patients.isPending) return <Loading />;
    return (
        <>
            <div className="filters">
                <button type="button" className="button" onClick={() => setFinding(true)}>
                    <Icon name="search" size={18} /> {t.findPatient.title}
                </button>
                {officer && (
                    <Link className="button" href={pagePath("patients", "access", "")}>
                        <Icon name="lock" size={18} /> {t.access.ofAny}
                    </Link>
                )}
            </div>
            {finding && (
                <Suspense>
                    <FindPatient onClose={() => setFinding(false)} />
                </Suspense>
            )}
            {patients.isError && (
                <LoadFailed stale={patients.data !== undefined} retry={() => void patients.refetch()} />
            )}
            {patients.data?.length === 0 && <Empty icon="patients">{t.patients.empty}</Empty>}
            {wards.length > 0 && <Hint name="patients" />}
            {wards.map(({ ward, patients: inWard }) => (
                <section key={ward} className="group" aria-label={ward || t.patients.noWard}>
                    <h2 className="group__title">
                        {ward || t.patients.noWard}{" "}
                        <span className="muted">{t.patients.count(inWard.length)}</span>
                    </h2>
                    <ul className="rows">
                        {inWard.map(({ patient, bed }) => (
                            <PatientRow
                                key={patient.ref}
                                patient={patient}
                                bed={bed}
                                openRoom={openRoom}
                                requests={(requests ?? []).filter(
                                    (request) => request.patientRef === patient.ref && isOpen(request),
                                )}
                            />
                        ))}
                    </ul>
                </section>
            ))}
        </>
    );
}

interface RowProps {
    patient: Patient;
    bed: string;
    requests: Request[];
    openRoom: string | undefined;
}

function PatientRow({ patient, bed, requests, openRoom }: RowProps): JSX.Element {
    const client = useClient();
    useAllRooms();
    const roomId = roomOfPatient(client, patient.ref)?.roomId;
    const unread = roomId === undefined ? 0 : (client.getRoom(roomId)?.getUnreadNotificationCount() ?? 0);
    const content = (
        <>
            <span className="bed">{bed || t.patients.noBed}</span>
            <span className="row__main">
                <span className="row__title">{shortName(patient)}</span>
                <PatientFlags patient={patient} />
                <span className="row__sub">
                    {patient.born !== undefined && `${bornWithAge(patient.born, new Date())} · `}
                    {patient.nhsNumber !== undefined && (
                        <>
                            {t.patients.nhsNumber}{" "}
                            <bdi className="nowrap" dir="ltr">
                                {nhsNumber(patient.nhsNumber)}
                            </bdi>
                        </>
                    )}
                    {roomId === undefined && ` · ${t.patients.noConversation}`}
                </span>
                <RequestFlags requests={requests} />
            </span>
            {unread > 0 && <UnreadBadge count={unread} />}
        </>
    );
    return (
        <li>
            {roomId === undefined ? (
                <div className="row row--still">{content}</div>
            ) : (
                <Link
                    className="row"
                    href={`/patients/${encodeURIComponent(roomId)}`}
                    aria-current={openRoom === roomId ? "page" : undefined}
                >
                    {content}
                </Link>
            )}
        </li>
    );
}

/** The open requests about a patient: what waits for an answer stands out, what somebody has taken on is told quietly. */
function RequestFlags({ requests }: { requests: Request[] }): JSX.Element | null {
    const waiting = requests.filter(isUnanswered);
    const urgent = waiting.filter((request) => request.class === "urgent").length;
    const inHand = requests.length - waiting.length;
    if (requests.length === 0) return null;
    return (
        <span className="row__flags">
            {waiting.length > 0 && (
                <span className={urgent > 0 ? "row__flag row__flag--urgent" : "row__flag"}>
                    <Icon name={urgent > 0 ? "urgent" : "action"} size={16} />
                    {urgent > 0 ? t.patients.urgentOpen(urgent) : t.patients.open(waiting.length)}
                </span>
            )}
            {inHand > 0 && (
                <span className="row__flag row__flag--calm">
                    <Icon name="people" size={16} />
                    {t.patients.inHand(inHand)}
                </span>
            )}
        </span>
    );
}
