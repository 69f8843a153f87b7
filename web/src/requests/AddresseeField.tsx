import type { JSX } from "react";
import { DutyNotice } from "../duty/DutyNotice.tsx";
import { useFhir, useOnCall, usePlaces, useStaff, useTeams } from "../fhir/queries.ts";
import { ParametersSchema, readAll, referenceId } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { addresseeKinds } from "../matrix/events.ts";
import { colleagues, localpart } from "../matrix/rooms.ts";
import { useStaffNames } from "../oncall/Holder.tsx";
import type { Named, OnCallRole } from "../oncall/model.ts";
import { useClient } from "../session/store.ts";
import { Field } from "../ui/Field.tsx";
import { Icon } from "../ui/Icon.tsx";
import { referenceTo, type Addressee, type Party } from "./model.ts";

/** What can be chosen, by kind; a role with who holds it now. */
export type Choices = Record<Party["kind"], (Addressee & { holder?: string })[]>;

/** An addressee as the value of an option. */
export function keyOf({ kind, id }: Party): string {
    return `${kind}:${id}`;
}

/** Whom somebody can ask about the patient of a conversation. */
export function useAddressees(roomId: string | undefined): Choices {
    const client = useClient();
    const { data: roles } = useOnCall();
    const { data: staff } = useStaff();
    const { data: teams } = useTeams();
    const { data: places } = usePlaces();
    const room = client.getRoom(roomId);
    const holderName = ({ holder }: OnCallRole): string =>
        holder ? (staff?.get(holder.id)?.name ?? holder.name ?? holder.id) : t.ask.vacant;
    const byName = (a: Addressee, b: Addressee): number => a.display.localeCompare(b.display, t.locale);
    return {
        role: (roles ?? [])
            .map((role) => ({
                kind: "role" as const,
                id: role.id,
                display: role.name,
                holder: holderName(role),
            }))
            .toSorted(byName),
        person: (room ? colleagues(room) : []).map((member) => {
            const id = localpart(member.userId);
            return { kind: "person", id, display: staff?.get(id)?.name ?? member.rawDisplayName };
        }),
        team: (teams ?? []).map(({ id, name }) => ({ kind: "team", id, display: name })),
        ward: [...(places?.values() ?? [])]
            .filter(({ kind }) => kind === "ward")
            .map(({ id, name }) => ({ kind: "ward" as const, id, display: name }))
            .toSorted(byName),
    };
}

interface FieldProps {
    /** `role:<id>` and the like; empty when not chosen. */
    value: string;
    choices: Choices;
    problem: string | undefined;
    onChange: (value: string) => void;
}

/** Chooses whom to ask, and tells who that is at the moment. */
export function AddresseeField({ value, choices, problem, onChange }: FieldProps): JSX.Element {
    const kind = addresseeKinds.find((one) => value.startsWith(`${one}:`));
    const id = value.slice(value.indexOf(":") + 1);
    return (
        <>
            <Field label={t.ask.to} problem={problem}>
                {(attributes) => (
                    <select {...attributes} value={value} onChange={(event) => onChange(event.target.value)}>
                        <option value="">{t.ask.chooseTo}</option>
                        {addresseeKinds.map(
                            (one) =>
                                choices[one].length > 0 && (
                                    <optgroup key={one} label={t.ask.kinds[one]}>
                                        {choices[one].map((choice) => (
                                            <option key={choice.id} value={keyOf(choice)}>
                                                {choice.holder === undefined
                                                    ? choice.display
                                                    : t.ask.roleOption(choice.display, choice.holder)}
                                            </option>
                                        ))}
                                    </optgroup>
                                ),
                        )}
                    </select>
                )}
            </Field>
            {kind === "person" && <DutyNotice practitionerId={id} />}
            {(kind === "team" || kind === "ward") && <AskedNow to={{ kind, id }} />}
        </>
    );
}

/** Who is asked when a team or a ward is, as the service finds them now. */
function AskedNow({ to }: { to: Party }): JSX.Element {
    const name = useStaffNames();
    const reference = referenceTo(to);
    const asked = useFhir(
        ["asked", reference],
        async (fhir): Promise<Named[]> => {
            const answer = await fhir.get("Task/$asked", { owner: reference });
            return (readAll(ParametersSchema, [answer])[0]?.parameter ?? []).flatMap(({ valueReference }) => {
                const id = referenceId(valueReference, "Practitioner");
                return id === undefined ? [] : [{ id, name: valueReference?.display }];
            });
        },
        30_000,
    );
    return (
        <div className="asked-now" role="status">
            {asked.isPending && <p className="muted">{t.ask.finding}</p>}
            {asked.isError && <p className="muted">{t.ask.unknownNow}</p>}
            {asked.data?.length === 0 && (
                <p className="role__nobody">
                    <Icon name="nobody" size={18} /> {t.ask.nobodyNow}
                </p>
            )}
            {asked.data && asked.data.length > 0 && (
                <p>
                    <Icon name="people" size={18} /> {t.ask.now(asked.data.map(name))}
                </p>
            )}
        </div>
    );
}
