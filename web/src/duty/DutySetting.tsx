import { useId, useState, type FormEvent, type JSX } from "react";
import { FhirError } from "../fhir/client.ts";
import { useOnCall, useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { clockWithDay } from "../i18n/time.ts";
import { useMe } from "../requests/use-request.ts";
import { dutyStates, nextAt, onDuty, type Duty } from "./model.ts";
import { useSetDuty, useStanding } from "./use-duty.ts";

/** On duty, busy or off duty, who covers, and quiet hours. */
export function DutySetting(): JSX.Element {
    const standing = useStanding(useMe());
    const duty = standing?.duty ?? onDuty;
    // What the service says begins the form anew.
    return <DutyForm key={JSON.stringify(duty)} duty={duty} />;
}

function DutyForm({ duty }: { duty: Duty }): JSX.Element {
    const set = useSetDuty();
    const [state, setState] = useState(duty.state);
    const [until, setUntil] = useState("");
    const [cover, setCover] = useState(duty.cover ? `Practitioner/${duty.cover.id}` : "");
    const [from, setFrom] = useState(duty.quiet?.from ?? "");
    const [to, setTo] = useState(duty.quiet?.until ?? "");
    const [half, setHalf] = useState(false);
    const id = useId();
    const save = (event: FormEvent): void => {
        event.preventDefault();
        const wrong = (from === "") !== (to === "");
        setHalf(wrong);
        if (wrong || set.isPending) return;
        set.mutate({
            state,
            // Being on duty has no end.
            until: until !== "" && state !== "on" ? nextAt(until, Date.now()) : undefined,
            cover: cover === "" ? undefined : cover,
            quiet: from === "" ? undefined : { from, until: to },
        });
    };
    const problem = set.error instanceof FhirError ? t.duty.refused(refusalWords(set.error)) : t.chats.failed;
    return (
        <form className="duty-form" onSubmit={save}>
            <fieldset className="choices">
                <legend>{t.duty.title}</legend>
                {dutyStates.map((value) => (
                    <label key={value} className="choice">
                        <input
                            type="radio"
                            name="duty"
                            checked={state === value}
                            onChange={() => setState(value)}
                        />
                        <span>
                            {t.duty.states[value]}
                            <span className="muted">{t.duty.hints[value]}</span>
                        </span>
                    </label>
                ))}
            </fieldset>
            {duty.state !== "on" && duty.until !== undefined && (
                <p className="muted">{t.time.until(clockWithDay(duty.until, Date.now()))}</p>
            )}
            {state !== "on" && (
                <div className="field">
                    <label htmlFor={`${id}-until`}>{t.duty.until}</label>
                    <input
                        id={`${id}-until`}
                        type="time"
                        value={until}
                        onChange={(event) => setUntil(event.target.value)}
                    />
                </div>
            )}
            {state === "off" && <CoverChoice id={`${id}-cover`} value={cover} onChange={setCover} />}
            <fieldset className="duty-form__quiet">
                <legend>{t.duty.quiet}</legend>
                <p className="muted">{t.duty.quietHint}</p>
                <label htmlFor={`${id}-from`}>{t.duty.quietFrom}</label>
                <input
                    id={`${id}-from`}
                    type="time"
                    value={from}
                    onChange={(event) => setFrom(event.target.value)}
                />
                <label htmlFor={`${id}-to`}>{t.duty.quietUntil}</label>
                <input
                    id={`${id}-to`}
                    type="time"
                    value={to}
                    onChange={(event) => setTo(event.target.value)}
                />
            </fieldset>
            {(half || set.isError) && (
                <p className="field-error" role="alert">
                    {half ? t.duty.half : problem}
                </p>
            )}
            <button type="submit" className="button" aria-disabled={set.isPending}>
                {t.duty.save}
            </button>
            <span role="status" className="muted">
                {set.isSuccess && t.duty.saved}
            </span>
        </form>
    );
}

interface CoverProps {
    id: string;
    value: string;
    onChange: (reference: string) => void;
}

function CoverChoice({ id, value, onChange }: CoverProps): JSX.Element {
    const me = useMe();
    const { data: staff } = useStaff();
    const { data: roles } = useOnCall();
    const people = [...(staff?.values() ?? [])]
        .filter((one) => one.id !== me)
        .toSorted((a, b) => a.name.localeCompare(b.name, t.locale));
    return (
        <div className="field">
            <label htmlFor={id}>{t.duty.cover}</label>
            <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
                <option value="">{t.duty.noCover}</option>
                <optgroup label={t.ask.kinds.role}>
                    {roles?.map((role) => (
                        <option key={role.id} value={`HealthcareService/${role.id}`}>
                            {role.name}
                        </option>
                    ))}
                </optgroup>
                <optgroup label={t.search.people}>
                    {people.map((one) => (
                        <option key={one.id} value={`Practitioner/${one.id}`}>
                            {one.name}
                        </option>
                    ))}
                </optgroup>
            </select>
        </div>
    );
}
