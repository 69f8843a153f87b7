import { useId, useMemo, useRef, useState, type JSX, type KeyboardEvent, type ReactNode } from "react";
import { useLocation } from "wouter";
import { startDirect } from "../chats/direct.ts";
import { useChats } from "../chats/use-chats.ts";
import { useOnCall, usePatients, usePlaces, useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { roomOfPatient } from "../matrix/rooms.ts";
import { age, nhsNumber, shortName } from "../patients/format.ts";
import { whereabouts } from "../patients/model.ts";
import { AskDialog } from "../requests/AskDialog.tsx";
import { useMe } from "../requests/use-request.ts";
import { useClient } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Avatar } from "../ui/parts.tsx";
import { found, rank } from "./match.ts";
import { Hits } from "./Hits.tsx";
import type { Hit } from "./message-search.ts";
import { useMessages } from "./use-messages.ts";

/** So many of each kind: with more, better words are quicker than scrolling. */
const MOST = 6;

/** One thing that was found. */
interface Result {
    key: string;
    title: string;
    detail: string;
    patient?: boolean;
    group?: boolean;
    choose: () => void;
}

/** Where a found message is shown: its conversation opens at it. */
export function placeOf(hit: Hit): string {
    return `/chats/${encodeURIComponent(hit.roomId)}?event=${encodeURIComponent(hit.id)}`;
}

/** Finds people, roles, patients, conversations and messages. */
export function SearchDialog({ onClose }: { onClose: () => void }): JSX.Element {
    const [, navigate] = useLocation();
    const [wanted, setWanted] = useState("");
    const [role, setRole] = useState<{ id: string; display: string }>();
    const [failed, setFailed] = useState(false);
    const body = useRef<HTMLDivElement>(null);
    const id = useId();
    const go = (to: string): void => {
        onClose();
        navigate(to);
    };
    const results = useResults(wanted, { go, ask: setRole, failed: () => setFailed(true) });
    const { hits, reading } = useMessages(wanted);
    const chats = useChats();
    const title = (roomId: string): string => chats.find((chat) => chat.roomId === roomId)?.title ?? "";
    const nothing =
        wanted.trim() !== "" && results.every(([, list]) => list.length === 0) && hits.length === 0;
    if (role) return <AskDialog to={{ kind: "role", ...role }} onClose={onClose} />;
    return (
        <Dialog title={t.search.title} onClose={onClose} wide>
            {/* Arrow keys go from one result to the next; whatever has the focus hears its own keys first. */}
            {/* oxlint-disable-next-line jsx-a11y/no-static-element-interactions */}
            <div ref={body} className="finder" onKeyDown={(event) => step(event, body.current)}>
                <label htmlFor={id} className="visually-hidden">
                    {t.search.label}
                </label>
                <input
                    autoComplete="off"
                    id={id}
                    type="search"
                    value={wanted}
                    data-focus
                    placeholder={t.search.label}
                    onChange={(event) => setWanted(event.target.value)}
                />
                {failed && (
                    <p className="field-error" role="alert">
                        {t.chats.failed}
                    </p>
                )}
                {wanted.trim() === "" && <p className="muted">{t.search.hint}</p>}
                {results.map(([name, list]) => (
                    <Section key={name} title={name} count={list.length}>
                        <ul className="rows">
                            {list.map((result) => (
                                <li key={result.key}>
                                    <button type="button" className="row" onClick={result.choose}>
                                        <Avatar
                                            name={result.title}
                                            patient={result.patient}
                                            group={result.group}
                                        />
                                        <span className="row__main">
                                            <span className="row__title">
                                                <bdi>{result.title}</bdi>
                                            </span>
                                            <span className="row__sub">{result.detail}</span>
                                        </span>
                                    </button>
                                </li>
                            ))}
                        </ul>
                    </Section>
                ))}
                <Section title={t.search.messages} count={hits.length}>
                    <Hits hits={hits} wanted={wanted} title={title} onChoose={(hit) => go(placeOf(hit))} />
                </Section>
                <p role="status" className="muted">
                    {reading ? t.search.reading : nothing ? t.search.nothing : ""}
                </p>
            </div>
        </Dialog>
    );
}

function Section(props: { title: string; count: number; children: ReactNode }): JSX.Element | null {
    if (props.count === 0) return null;
    return (
        <section aria-label={props.title}>
            <h3 className="group__title">{props.title}</h3>
            {props.children}
        </section>
    );
}

interface Ways {
    go: (to: string) => void;
    ask: (role: { id: string; display: string }) => void;
    failed: () => void;
}

/** The best of each kind, by name. */
function useResults(wanted: string, { go, ask, failed }: Ways): [string, Result[]][] {
    const client = useClient();
    const me = useMe();
    const { data: staff } = useStaff();
    const { data: roles } = useOnCall();
    const { data: patients } = usePatients();
    const { data: places } = usePlaces();
    const chats = useChats();
    const best = (list: Result[]): Result[] =>
        list
            .toSorted(
                (a, b) => rank(wanted, a.title) - rank(wanted, b.title) || a.title.localeCompare(b.title),
            )
            .slice(0, MOST);
    const message = async (practitionerId: string): Promise<void> => {
        try {
            go(`/chats/${encodeURIComponent(await startDirect(client, practitionerId))}`);
        } catch {
            failed();
        }
    };
    const nothing = wanted.trim() === "";
    const lists = useMemo(() => {
        if (nothing) return undefined;
        return {
            people: [...(staff?.values() ?? [])].filter(
                (one) => one.id !== me && found(wanted, one.name, one.job, one.id),
            ),
            roles: (roles ?? []).filter((role) => found(wanted, role.name, role.phone)),
            patients: (patients ?? []).filter((patient) => {
                const { ward, bed } = whereabouts(patient, places);
                const number = patient.nhsNumber ?? "";
                return found(wanted, shortName(patient), number, nhsNumber(number), ward, bed);
            }),
            chats: chats.filter((chat) => !chat.patient && found(wanted, chat.title)),
        };
    }, [nothing, wanted, staff, me, roles, patients, places, chats]);
    if (!lists) return [];
    return [
        [
            t.search.people,
            best(
                lists.people.map((one) => ({
                    key: one.id,
                    title: one.name,
                    detail: one.job,
                    choose: () => void message(one.id),
                })),
            ),
        ],
        [
            t.search.roles,
            best(
                lists.roles.map((one) => ({
                    key: one.id,
                    title: one.name,
                    detail: t.mention.held(one.holder?.name ?? t.onCall.nobody),
                    group: true,
                    choose: () => ask({ id: one.id, display: one.name }),
                })),
            ),
        ],
        [
            t.search.patients,
            best(
                lists.patients.flatMap((one) => {
                    const room = roomOfPatient(client, one.ref);
                    if (!room) return [];
                    const { ward, bed } = whereabouts(one, places);
                    const years = one.born === undefined ? "" : age(one.born, new Date());
                    return [
                        {
                            key: one.ref,
                            title: shortName(one),
                            detail: [years, ward, bed && t.patients.bed(bed)].filter(Boolean).join(" · "),
                            patient: true,
                            choose: () => go(`/patients/${encodeURIComponent(room.roomId)}`),
                        },
                    ];
                }),
            ),
        ],
        [
            t.search.chats,
            best(
                lists.chats.map((one) => ({
                    key: one.roomId,
                    title: one.title,
                    detail: one.preview,
                    group: one.kind === "group",
                    choose: () => go(`/chats/${encodeURIComponent(one.roomId)}`),
                })),
            ),
        ],
    ];
}

/** Arrow keys: from the field to the first result, from one to the next, and back. */
function step(event: KeyboardEvent, body: HTMLElement | null): void {
    if (!body || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    const stops = [...body.querySelectorAll<HTMLElement>("input, button.row")];
    const at = stops.findIndex((stop) => stop === document.activeElement);
    const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
}
