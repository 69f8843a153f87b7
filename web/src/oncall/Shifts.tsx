import { useQueryClient } from "@tanstack/react-query";
import { useId, useState, type FormEvent, type JSX } from "react";
import { PersonPicker } from "../directory/PersonPicker.tsx";
import { FhirError, type FhirClient } from "../fhir/client.ts";
import { keys, useShifts, useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { clock, dayLabel } from "../i18n/time.ts";
import { useSession } from "../session/store.ts";
import { Part } from "../ui/Page.tsx";
import { LoadFailed, useNow } from "../ui/parts.tsx";
import { useEditing } from "./editing.ts";
import { useStaffNames } from "./Holder.tsx";
import { comingShifts, type Shift, type StaffMember } from "./model.ts";
import { refusedField, shiftForm, shiftProblems, shiftResource, type ShiftField } from "./shift-form.ts";

/** How far ahead shifts are shown, in days. */
const DAYS = 7;

/** The shifts of a role in the coming week, day by day; entered, changed and removed by whoever keeps the rota. */
export function Shifts({ roleId }: { roleId: string }): JSX.Element {
    const shifts = useShifts(roleId);
    const { rota } = useEditing();
    const [open, setOpen] = useState<Shift | "new">();
    const now = useNow(60_000);
    const coming = comingShifts(shifts.data ?? [], now, DAYS);
    const close = (): void => setOpen(undefined);
    return (
        <Part title={t.shifts.title}>
            {shifts.isError && (
                <LoadFailed stale={shifts.data !== undefined} retry={() => void shifts.refetch()} />
            )}
            {shifts.data && coming.length === 0 && <p className="muted">{t.shifts.none}</p>}
            {rota && open === undefined && (
                <div className="actions__row">
                    <button type="button" className="button" onClick={() => setOpen("new")}>
                        {t.shifts.add}
                    </button>
                </div>
            )}
            {open === "new" && <Editor roleId={roleId} onClose={close} />}
            {byDay(coming, now).map(([day, list]) => (
                <div key={day} className="day-shifts">
                    <h4>{day}</h4>
                    <ul className="plain">
                        {list.map((shift) =>
                            open !== "new" && open?.id === shift.id ? (
                                <li key={shift.id}>
                                    <Editor roleId={roleId} shift={shift} onClose={close} />
                                </li>
                            ) : (
                                <ShiftLine
                                    key={shift.id}
                                    shift={shift}
                                    onChange={
                                        rota && shift.start !== undefined && !shift.signedOn
                                            ? () => setOpen(shift)
                                            : undefined
                                    }
                                />
                            ),
                        )}
                    </ul>
                </div>
            ))}
        </Part>
    );
}

function byDay(shifts: readonly Shift[], now: number): [string, Shift[]][] {
    const days = new Map<string, Shift[]>();
    for (const shift of shifts) {
        const day = shift.start === undefined ? t.shifts.always : dayLabel(Math.max(shift.start, now), now);
        days.set(day, [...(days.get(day) ?? []), shift]);
    }
    return [...days];
}

function ShiftLine({ shift, onChange }: { shift: Shift; onChange: (() => void) | undefined }): JSX.Element {
    const name = useStaffNames();
    const { start, end } = shift;
    const times = start !== undefined && end !== undefined && t.shifts.times(clock(start), clock(end));
    const who = name(shift.person);
    return (
        <li className="shift">
            {times !== false && <span className="shift__time">{times}</span>}
            <span className="shift__who">
                {who}
                {shift.deputy && <span className="muted"> ({t.shifts.deputy})</span>}
                {shift.signedOn && <span className="muted"> ({t.role.by["sign-on"]})</span>}
            </span>
            {onChange && (
                <button
                    type="button"
                    className="button button--quiet"
                    aria-label={t.shifts.changeOne(who, times === false ? "" : times)}
                    onClick={onChange}
                >
                    {t.directory.change}
                </button>
            )}
        </li>
    );
}

/** What has been saved is shown at once; a refusal names what is wrong, at its field where it has one. */
function useSaving(
    onSaved: () => void,
    onRefused: (field: ShiftField, words: string) => void,
): {
    save: (change: (fhir: FhirClient) => Promise<unknown>) => Promise<void>;
    busy: boolean;
    problem: string | undefined;
} {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const save = async (change: (fhir: FhirClient) => Promise<unknown>): Promise<void> => {
        if (!fhir || busy) return;
        setBusy(true);
        setProblem(undefined);
        try {
            await change(fhir);
            onSaved();
        } catch (error) {
            const refused = error instanceof FhirError ? refusedField(error, Date.now()) : undefined;
            if (refused) onRefused(refused.field, refused.words);
            else
                setProblem(
                    error instanceof FhirError ? t.role.failed(refusalWords(error)) : t.role.failedOffline,
                );
        } finally {
            setBusy(false);
            void queries.invalidateQueries({ queryKey: keys.shifts });
            void queries.invalidateQueries({ queryKey: keys.onCall });
        }
    };
    return { save, busy, problem };
}

interface EditorProps {
    roleId: string;
    shift?: Shift;
    onClose: () => void;
}

function Editor({ roleId, shift, onClose }: EditorProps): JSX.Element {
    const { data: staff } = useStaff();
    const [form, setForm] = useState(() => shiftForm(shift, Date.now()));
    const [person, setPerson] = useState<StaffMember | undefined>(shift && staff?.get(shift.person.id));
    const [problems, setProblems] = useState<Partial<Record<ShiftField, string>>>({});
    const { save, busy, problem } = useSaving(onClose, (field, words) => setProblems({ [field]: words }));
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        const found = shiftProblems(form, person?.id);
        setProblems(found);
        if (!person || Object.keys(found).length > 0) return;
        const id = shift?.id ?? crypto.randomUUID();
        const resource = shiftResource(form, { id, roleId, personId: person.id });
        void save((fhir) => fhir.put("PractitionerRole", id, resource));
    };
    const remove = (): void => {
        if (shift) void save((fhir) => fhir.remove("PractitionerRole", shift.id));
    };
    return (
        <form className="form shift-form" noValidate onSubmit={submit}>
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            <PersonPicker
                label={t.shifts.who}
                chosen={person}
                onChoose={setPerson}
                problem={problems.person}
                withMe
            />
            <div className="shift-form__times">
                <Field
                    label={t.shifts.date}
                    type="date"
                    value={form.date}
                    problem={problems.date}
                    onChange={(date) => setForm({ ...form, date })}
                />
                <Field
                    label={t.shifts.from}
                    type="time"
                    value={form.from}
                    problem={problems.from}
                    onChange={(from) => setForm({ ...form, from })}
                />
                <Field
                    label={t.shifts.until}
                    type="time"
                    value={form.until}
                    problem={problems.until}
                    onChange={(until) => setForm({ ...form, until })}
                />
            </div>
            <p className="muted">{t.shifts.overnight}</p>
            <label className="choice">
                <input
                    type="checkbox"
                    checked={form.deputy}
                    onChange={(event) => setForm({ ...form, deputy: event.target.checked })}
                />
                {t.shifts.asDeputy}
            </label>
            <div className="actions__row">
                <button type="submit" className="button button--primary" aria-disabled={busy}>
                    {t.shifts.save}
                </button>
                {shift && (
                    <button type="button" className="button" aria-disabled={busy} onClick={remove}>
                        {t.shifts.remove}
                    </button>
                )}
                <button type="button" className="button" onClick={onClose}>
                    {t.app.cancel}
                </button>
            </div>
        </form>
    );
}

interface FieldProps {
    label: string;
    type: "date" | "time";
    value: string;
    problem: string | undefined;
    onChange: (value: string) => void;
}

function Field({ label, type, value, problem, onChange }: FieldProps): JSX.Element {
    const id = useId();
    return (
        <div className={problem === undefined ? "field" : "field field--wrong"}>
            <label htmlFor={id}>{label}</label>
            {problem !== undefined && (
                <p id={`${id}-problem`} className="field-error" role="alert">
                    {problem}
                </p>
            )}
            <input
                autoComplete="off"
                id={id}
                type={type}
                value={value}
                aria-invalid={problem !== undefined}
                aria-describedby={problem === undefined ? undefined : `${id}-problem`}
                onChange={(event) => onChange(event.target.value)}
            />
        </div>
    );
}
