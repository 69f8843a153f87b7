import { useQueryClient } from "@tanstack/react-query";
import { useId, useState, type FormEvent, type JSX } from "react";
import { useLocation } from "wouter";
import { FhirError } from "../fhir/client.ts";
import { keys, usePatients } from "../fhir/queries.ts";
import { ParametersSchema, readAll } from "../fhir/schema.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { roomOfPatient } from "../matrix/rooms.ts";
import { useClient, useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import {
    breakGlassParameters,
    identifierProblems,
    noIdentifiers,
    patientWith,
    type IdentifierField,
    type Identifiers,
} from "./identifiers.ts";

/** Opens the conversation of a patient who is named twice; from outside the care team with a reason, on record. */
export function FindPatient({ onClose }: { onClose: () => void }): JSX.Element {
    const client = useClient();
    const { data: patients } = usePatients();
    const [, navigate] = useLocation();
    const [given, setGiven] = useState<Identifiers>(noIdentifiers);
    const [problems, setProblems] = useState<Partial<Record<IdentifierField, string>>>({});
    const [outside, setOutside] = useState(false);
    const open = (roomId: string): void => {
        onClose();
        navigate(`/patients/${encodeURIComponent(roomId)}`);
    };
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        const found = identifierProblems(given);
        setProblems(found);
        if (Object.keys(found).length > 0) return;
        const patient = patientWith(patients ?? [], given);
        const room = patient && roomOfPatient(client, patient.ref);
        if (room) open(room.roomId);
        else setOutside(true);
    };
    const change = (part: Partial<Identifiers>): void => {
        setGiven({ ...given, ...part });
        setOutside(false);
    };
    return (
        <Dialog title={t.findPatient.title} onClose={onClose}>
            <form className="form" noValidate onSubmit={submit}>
                <p className="muted">{t.findPatient.twice}</p>
                <Fields given={given} problems={problems} onChange={change} />
                {!outside && (
                    <div className="actions__row">
                        <button type="submit" className="button button--primary">
                            {t.findPatient.open}
                        </button>
                        <button type="button" className="button" onClick={onClose}>
                            {t.app.cancel}
                        </button>
                    </div>
                )}
            </form>
            {outside && <BreakGlass given={given} onOpened={open} onCancel={() => setOutside(false)} />}
        </Dialog>
    );
}

interface FieldsProps {
    given: Identifiers;
    problems: Partial<Record<IdentifierField, string>>;
    onChange: (part: Partial<Identifiers>) => void;
}

function Fields({ given, problems, onChange }: FieldsProps): JSX.Element {
    const id = useId();
    const second = problems.second !== undefined;
    const about = second ? `${id}-second` : undefined;
    return (
        <>
            <div className={problems.nhsNumber === undefined ? "field" : "field field--wrong"}>
                <label htmlFor={`${id}-number`}>{t.findPatient.number}</label>
                {problems.nhsNumber !== undefined && (
                    <p id={`${id}-problem`} className="field-error" role="alert">
                        {problems.nhsNumber}
                    </p>
                )}
                <input
                    id={`${id}-number`}
                    inputMode="numeric"
                    autoComplete="off"
                    value={given.nhsNumber}
                    aria-invalid={problems.nhsNumber !== undefined}
                    aria-describedby={problems.nhsNumber === undefined ? undefined : `${id}-problem`}
                    onChange={(event) => onChange({ nhsNumber: event.target.value })}
                />
            </div>
            <fieldset className={second ? "field field--wrong" : "field"}>
                <legend>{t.findPatient.second}</legend>
                {second && (
                    <p id={`${id}-second`} className="field-error" role="alert">
                        {problems.second}
                    </p>
                )}
                <label htmlFor={`${id}-born`}>{t.findPatient.born}</label>
                <input
                    id={`${id}-born`}
                    type="date"
                    value={given.born}
                    aria-invalid={second}
                    aria-describedby={about}
                    onChange={(event) => onChange({ born: event.target.value })}
                />
                <label htmlFor={`${id}-family`}>{t.findPatient.family}</label>
                <input
                    id={`${id}-family`}
                    autoComplete="off"
                    value={given.family}
                    aria-invalid={second}
                    aria-describedby={about}
                    onChange={(event) => onChange({ family: event.target.value })}
                />
            </fieldset>
        </>
    );
}

interface BreakGlassProps {
    given: Identifiers;
    onOpened: (roomId: string) => void;
    onCancel: () => void;
}

/** Asks why somebody from outside the care team must see this patient, and tells them what follows. */
function BreakGlass({ given, onOpened, onCancel }: BreakGlassProps): JSX.Element {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const [reason, setReason] = useState("");
    const [problem, setProblem] = useState<string>();
    const [busy, setBusy] = useState(false);
    const id = useId();
    const submit = async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        if (!fhir || busy) return;
        if (reason.trim() === "") {
            setProblem(t.breakGlass.needReason);
            return;
        }
        setBusy(true);
        setProblem(undefined);
        try {
            const parameters = breakGlassParameters(given, reason.trim());
            const answer = await fhir.operation("Patient", undefined, "break-glass", parameters);
            const found = readAll(ParametersSchema, [answer])[0]?.parameter ?? [];
            const room = found.find((one) => one.name === "room")?.valueString;
            void queries.invalidateQueries({ queryKey: keys.patients });
            if (room !== undefined) onOpened(room);
        } catch (error) {
            setProblem(why(error));
        } finally {
            setBusy(false);
        }
    };
    return (
        <form className="form break-glass" noValidate onSubmit={(event) => void submit(event)}>
            <h3>
                <Icon name="warning" /> {t.breakGlass.title}
            </h3>
            <p>{t.breakGlass.body}</p>
            <p>
                <strong>{t.breakGlass.follows}</strong>
            </p>
            <label htmlFor={id}>{t.breakGlass.reason}</label>
            {problem !== undefined && (
                <p id={`${id}-problem`} className="field-error" role="alert">
                    {problem}
                </p>
            )}
            <textarea
                autoComplete="off"
                id={id}
                rows={3}
                maxLength={500}
                autoFocus
                value={reason}
                aria-invalid={problem !== undefined}
                aria-describedby={problem === undefined ? undefined : `${id}-problem`}
                onChange={(event) => setReason(event.target.value)}
            />
            <div className="actions__row">
                <button type="submit" className="button button--danger" aria-disabled={busy}>
                    {t.breakGlass.open}
                </button>
                <button type="button" className="button" onClick={onCancel}>
                    {t.app.back}
                </button>
            </div>
        </form>
    );
}

/** Why the conversation was not opened, in words. */
function why(error: unknown): string {
    if (!(error instanceof FhirError)) return t.breakGlass.offline;
    if (error.status === 404) return t.breakGlass.noMatch;
    if (error.status === 429) return t.breakGlass.tooMany;
    return t.breakGlass.failed(refusalWords(error));
}
