import type { JSX, ReactNode } from "react";
import { useWriteTo } from "../chats/use-write-to.ts";
import { useOnCall } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { asked, type OnCallRole, type StaffMember } from "../oncall/model.ts";
import { RoleRow } from "../oncall/RoleRow.tsx";
import { TeamRow } from "../oncall/TeamRow.tsx";
import type { Place } from "../patients/model.ts";
import type { Addressee } from "../requests/model.ts";
import { useMe } from "../requests/use-request.ts";
import { Icon } from "../ui/Icon.tsx";
import { Avatar } from "../ui/parts.tsx";
import { DutyLine } from "./DutyLine.tsx";
import type { Entry } from "./model.ts";

interface ResultsProps {
    found: Entry[];
    text: string;
    searching: boolean;
    /** Without the server: what this device has kept. */
    kept: boolean;
    onAsk: (to: Addressee) => void;
}

/** What a search of the directory found. A ward answers with the roles that cover it now. */
export function Results({ found, text, searching, kept, onAsk }: ResultsProps): JSX.Element {
    const { data: board } = useOnCall();
    // The board is newer than the answer of the search.
    const role = (found: OnCallRole): OnCallRole => board?.find((one) => one.id === found.id) ?? found;
    const wards = found.flatMap((one) =>
        one.kind === "place" && one.place.kind === "ward" ? [one.place] : [],
    );
    const roles = found.flatMap((one) => (one.kind === "role" ? [role(one.role)] : []));
    const people = found.flatMap((one) => (one.kind === "person" ? [one.person] : []));
    const teams = found.flatMap((one) => (one.kind === "team" ? [one.team] : []));
    const nothing = wards.length + roles.length + people.length + teams.length === 0;
    return (
        <>
            <div role="status">
                {kept && <p className="notice notice--warning">{t.directory.kept}</p>}
                {nothing && !searching && <p className="group__empty">{t.directory.nothing(text)}</p>}
            </div>
            {wards.map((ward) => (
                <Ward key={ward.id} ward={ward} board={board ?? []} onAsk={onAsk} />
            ))}
            <Group title={t.directory.roles} count={roles.length}>
                {roles.map((one) => (
                    <RoleRow key={one.id} role={one} onAsk={() => onAsk(asked(one))} />
                ))}
            </Group>
            <Group title={t.directory.people} count={people.length}>
                {people.map((person) => (
                    <PersonRow key={person.id} person={person} board={board ?? []} />
                ))}
            </Group>
            <Group title={t.team.title} count={teams.length}>
                {teams.map((team) => (
                    <TeamRow key={team.id} team={team} />
                ))}
            </Group>
        </>
    );
}

function Group(props: { title: string; count: number; children: ReactNode }): JSX.Element | null {
    if (props.count === 0) return null;
    return (
        <section className="group" aria-label={props.title}>
            <h2 className="group__title">{props.title}</h2>
            <ul className="rows">{props.children}</ul>
        </section>
    );
}

/** Who covers a ward now: every role that does, with its holder. */
function Ward(props: { ward: Place; board: OnCallRole[]; onAsk: (to: Addressee) => void }): JSX.Element {
    const { ward, board, onAsk } = props;
    const covering = board.filter((role) => role.wards.includes(ward.id));
    const title = t.directory.covers(ward.name);
    return (
        <section className="group" aria-label={title}>
            <div className="group__head">
                <h2 className="group__title">{title}</h2>
                <button
                    type="button"
                    className="button"
                    onClick={() => onAsk({ kind: "ward", id: ward.id, display: ward.name })}
                >
                    {t.directory.askWard}
                </button>
            </div>
            {covering.length === 0 ? (
                <p className="group__empty">{t.directory.coveredByNone}</p>
            ) : (
                <ul className="rows">
                    {covering.map((role) => (
                        <RoleRow key={role.id} role={role} onAsk={() => onAsk(asked(role))} />
                    ))}
                </ul>
            )}
        </section>
    );
}

function PersonRow({ person, board }: { person: StaffMember; board: OnCallRole[] }): JSX.Element {
    const me = useMe();
    const { writeTo, failed } = useWriteTo();
    const held = board.filter((role) => role.holder?.id === person.id).map((role) => role.name);
    return (
        <li className="row">
            <Avatar name={person.name} />
            <span className="row__main">
                <span className="row__title">{person.name}</span>
                <span className="row__sub">{person.job}</span>
                {held.length > 0 && <span className="row__sub">{t.directory.holds(held)}</span>}
                <DutyLine duty={person.duty} />
                {failed && (
                    <span className="field-error" role="alert">
                        {t.chats.failed}
                    </span>
                )}
            </span>
            {person.id !== me && (
                <button
                    type="button"
                    className="icon-button"
                    aria-label={t.onCall.message(person.name)}
                    onClick={() => void writeTo(person.id)}
                >
                    <Icon name="chats" />
                </button>
            )}
        </li>
    );
}
