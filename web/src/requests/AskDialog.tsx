import { useRef, useState, type FormEvent, type JSX } from "react";
import { useLocation } from "wouter";
import { usePatients } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { useDraft } from "../matrix/drafts.ts";
import { requestClasses, type RequestClass } from "../matrix/events.ts";
import { patientRef, roomOfPatient } from "../matrix/rooms.ts";
import { shortName } from "../patients/format.ts";
import { PatientSummary } from "../patients/PatientBanner.tsx";
import { useClient, useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Field } from "../ui/Field.tsx";
import { ClassBadge } from "../ui/parts.tsx";
import { AddresseeField, keyOf, useAddressees } from "./AddresseeField.tsx";
import { askEntry, askProblems, emptyAsk, usualMinutes, type AskField, type AskForm } from "./ask.ts";
import type { Addressee } from "./model.ts";
import { useMe } from "./use-request.ts";

interface AskProps {
    /** The patient's conversation; without it the person chooses one. */
    roomId?: string;
    /** Whom to ask, if that is known. */
    to?: Addressee;
    onClose: () => void;
}

const minuteChoices = [5, 15, 30, 60, 240];
const sbarFields = ["situation", "background", "assessment", "recommendation"] as const;

/** Turns words into a request. What is written survives closing the dialog and the app. */
export function AskDialog({ roomId: given, to, onClose }: AskProps): JSX.Element {
    const client = useClient();
    const outbox = useSession((session) => session.outbox);
    const connection = useSession((session) => session.connection);
    const me = useMe();
    const [, navigate] = useLocation();
    const [draft, setDraft] = useDraft<AskForm>(`ask:${given ?? to?.id ?? ""}`, emptyAsk);
    const [chosenRoom, setChosenRoom] = useState<string>();
    const [problems, setProblems] = useState<Partial<Record<AskField, string>>>({});
    const [full, setFull] = useState(false);
    const form = draft.to || !to ? draft : { ...draft, to: keyOf(to) };
    const roomId = given ?? chosenRoom;
    const choices = useAddressees(roomId);
    const element = useRef<HTMLFormElement>(null);

    const submit = async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        const found = askProblems(form, roomId);
        setProblems(found);
        const addressee =
            Object.values(choices)
                .flat()
                .find((one) => keyOf(one) === form.to) ?? to;
        const room = client.getRoom(roomId);
        const ref = room ? patientRef(room) : undefined;
        if (
            Object.keys(found).length > 0 ||
            !addressee ||
            !outbox ||
            roomId === undefined ||
            ref === undefined
        ) {
            requestAnimationFrame(() =>
                element.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(),
            );
            return;
        }
        const id = crypto.randomUUID();
        const entry = { form, to: addressee, roomId, patientRef: ref, requesterId: me, id, now: Date.now() };
        try {
            await outbox.add(askEntry(entry));
        } catch {
            // What cannot be kept could be lost on its way: nobody is asked, and what was written stays.
            setFull(true);
            return;
        }
        setDraft(emptyAsk);
        onClose();
        if (!given) navigate(`/chats/${encodeURIComponent(roomId)}`);
    };

    const chooseClass = (value: RequestClass): void =>
        setDraft({ ...form, class: value, minutes: String(usualMinutes[value]) });

    return (
        <Dialog title={t.ask.title} onClose={onClose} wide>
            <form ref={element} className="ask" noValidate onSubmit={(event) => void submit(event)}>
                {given === undefined ? (
                    <PatientChoice value={chosenRoom} onChange={setChosenRoom} problem={problems.patient} />
                ) : (
                    <Summary roomId={given} />
                )}
                <AddresseeField
                    value={form.to}
                    choices={choices}
                    problem={problems.to}
                    onChange={(chosen) => setDraft({ ...form, to: chosen })}
                />
                <fieldset className="choices choices--class">
                    <legend>{t.ask.class}</legend>
                    {requestClasses.map((value) => (
                        <label key={value} className="choice">
                            <input
                                type="radio"
                                name="class"
                                aria-label={t.requests.className[value]}
                                checked={form.class === value}
                                onChange={() => chooseClass(value)}
                            />
                            <span>
                                <ClassBadge value={value} />
                                <span className="muted">{t.requests.classHint[value]}</span>
                            </span>
                        </label>
                    ))}
                </fieldset>
                <Field label={t.ask.minutes} problem={problems.minutes}>
                    {(attributes) => (
                        <div className="minutes">
                            <input
                                autoComplete="off"
                                {...attributes}
                                inputMode="numeric"
                                value={form.minutes}
                                onChange={(event) =>
                                    setDraft({ ...form, minutes: event.target.value.trim() })
                                }
                            />
                            <span className="chips">
                                {minuteChoices.map((minutes) => (
                                    <button
                                        key={minutes}
                                        type="button"
                                        className="chip"
                                        aria-pressed={form.minutes === String(minutes)}
                                        onClick={() => setDraft({ ...form, minutes: String(minutes) })}
                                    >
                                        {t.ask.minutesShort(minutes)}
                                    </button>
                                ))}
                            </span>
                        </div>
                    )}
                </Field>
                <fieldset className="ask__words">
                    <legend>{t.ask.sbar}</legend>
                    <p className="muted">{t.ask.sbarHint}</p>
                    {sbarFields.map((field) => (
                        <Field key={field} label={t.requests.sbar[field]} hint={t.ask.hints[field]}>
                            {(attributes) => (
                                <textarea
                                    autoComplete="off"
                                    {...attributes}
                                    rows={2}
                                    value={form.sbar[field]}
                                    onChange={(event) =>
                                        setDraft({
                                            ...form,
                                            sbar: { ...form.sbar, [field]: event.target.value },
                                        })
                                    }
                                />
                            )}
                        </Field>
                    ))}
                </fieldset>
                <Field label={t.ask.text} problem={problems.words}>
                    {(attributes) => (
                        <textarea
                            autoComplete="off"
                            {...attributes}
                            rows={2}
                            value={form.text}
                            onChange={(event) => setDraft({ ...form, text: event.target.value })}
                        />
                    )}
                </Field>
                {connection !== "online" && (
                    <p className="notice notice--warning" role="status">
                        {t.ask.offline}
                    </p>
                )}
                {full && (
                    <p className="notice notice--error" role="alert">
                        {t.outbox.full}
                    </p>
                )}
                <div className="actions__row">
                    <button type="submit" className="button button--primary">
                        {t.ask.send}
                    </button>
                    <button type="button" className="button" onClick={onClose}>
                        {t.app.cancel}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}

function Summary({ roomId }: { roomId: string }): JSX.Element | null {
    const room = useClient().getRoom(roomId);
    const ref = room ? patientRef(room) : undefined;
    return ref === undefined ? null : <PatientSummary patientRef={ref} />;
}

interface ChoiceProps {
    value: string | undefined;
    onChange: (roomId: string | undefined) => void;
    problem: string | undefined;
}

function PatientChoice({ value, onChange, problem }: ChoiceProps): JSX.Element {
    const client = useClient();
    const { data: patients } = usePatients();
    const choices = (patients ?? [])
        .flatMap((patient) => {
            const room = roomOfPatient(client, patient.ref);
            return room ? [{ roomId: room.roomId, name: shortName(patient) }] : [];
        })
        .toSorted((a, b) => a.name.localeCompare(b.name, "en-GB"));
    return (
        <Field label={t.ask.patient} problem={problem}>
            {(attributes) => (
                <select
                    {...attributes}
                    value={value ?? ""}
                    onChange={(event) => onChange(event.target.value || undefined)}
                >
                    <option value="">{t.ask.choosePatient}</option>
                    {choices.map((choice) => (
                        <option key={choice.roomId} value={choice.roomId}>
                            {choice.name}
                        </option>
                    ))}
                </select>
            )}
        </Field>
    );
}
