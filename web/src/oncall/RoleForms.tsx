import { useId, useState, type FormEvent, type JSX } from "react";
import { PersonPicker } from "../directory/PersonPicker.tsx";
import type { ParameterValue } from "../fhir/client.ts";
import { t } from "../i18n/index.ts";
import type { OnCallRole, StaffMember } from "./model.ts";
import type { RoleAction } from "./use-role-action.ts";

interface FormProps {
    role: OnCallRole;
    act: (action: RoleAction, parameters?: Record<string, ParameterValue>) => Promise<boolean>;
    busy: boolean;
    onCancel: () => void;
}

/** Until when somebody is to hold a role: by default to the end of the shift. */
function UntilField({ value, onChange }: { value: string; onChange: (time: string) => void }): JSX.Element {
    const id = useId();
    return (
        <div className="field">
            <label htmlFor={id}>{t.role.until}</label>
            <span id={`${id}-hint`} className="muted">
                {t.role.untilHint}
            </span>
            <input
                id={id}
                type="time"
                className="time"
                value={value}
                aria-describedby={`${id}-hint`}
                onChange={(event) => onChange(event.target.value)}
            />
        </div>
    );
}

/** `20:00` as a time of day by the Trust's clocks; nothing for the end of the shift. */
function untilParameter(time: string): Record<string, ParameterValue> {
    return time === "" ? {} : { until: { valueTime: `${time}:00` } };
}

function Buttons(props: { words: string; busy: boolean; onCancel: () => void }): JSX.Element {
    return (
        <div className="actions__row">
            <button type="submit" className="button button--primary" aria-disabled={props.busy}>
                {props.words}
            </button>
            <button type="button" className="button" onClick={props.onCancel}>
                {t.app.cancel}
            </button>
        </div>
    );
}

/** Takes a role that nobody holds, or holds it longer. */
export function TakeForm(props: FormProps & { longer: boolean }): JSX.Element {
    const { role, act, busy, onCancel, longer } = props;
    const [time, setTime] = useState("");
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        void act("take", untilParameter(time));
    };
    return (
        <form className="form" onSubmit={submit}>
            <p>{longer ? t.role.longerBody(role.name) : t.role.takeBody(role.name)}</p>
            <UntilField value={time} onChange={setTime} />
            <Buttons words={longer ? t.role.longer : t.role.take} busy={busy} onCancel={onCancel} />
        </form>
    );
}

/** Offers the role to a colleague, who must accept. */
export function HandOverForm({ act, busy, onCancel }: FormProps): JSX.Element {
    const [to, setTo] = useState<StaffMember>();
    const [time, setTime] = useState("");
    const [missing, setMissing] = useState(false);
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        setMissing(!to);
        if (!to) return;
        const person = { valueReference: { reference: `Practitioner/${to.id}` } };
        void act("offer", { to: person, ...untilParameter(time) });
    };
    return (
        <form className="form" onSubmit={submit}>
            <p>{t.role.handOverBody}</p>
            <PersonPicker
                label={t.role.handOverTo}
                chosen={to}
                onChoose={setTo}
                problem={missing && !to ? t.role.needPerson : undefined}
            />
            <UntilField value={time} onChange={setTime} />
            <Buttons words={t.role.sendOffer} busy={busy} onCancel={onCancel} />
        </form>
    );
}

/** Puts the role down, after one question. */
export function ReleaseForm({ role, act, busy, onCancel }: FormProps): JSX.Element {
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        void act("release");
    };
    return (
        <form className="form notice notice--warning" onSubmit={submit}>
            <p>
                <strong>{t.role.releaseTitle(role.name)}</strong>
            </p>
            <p>{t.role.releaseBody}</p>
            <Buttons words={t.role.release} busy={busy} onCancel={onCancel} />
        </form>
    );
}
