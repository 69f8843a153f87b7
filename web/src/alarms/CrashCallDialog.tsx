import { useQueryClient } from "@tanstack/react-query";
import { useId, useRef, useState, type FormEvent, type JSX } from "react";
import { FhirError } from "../fhir/client.ts";
import { keys, usePlaces } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { patientRef } from "../matrix/rooms.ts";
import { usePatient } from "../patients/use-patient.ts";
import { useClient, useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon } from "../ui/Icon.tsx";
import { useOpenBoard } from "./CallBar.tsx";
import { callFromResource, crashResource, type CallPlan } from "./model.ts";

/** A key that is held, or a finger that taps twice, opens the dialog and must not call with the same movement. */
const GUARD_MS = 500;

interface Props {
    plans: CallPlan[];
    /** The patient's conversation in which it is made, if any. */
    roomId: string | undefined;
    onClose: () => void;
}

/** Where and what: then the team is called. Nothing is called before the red button is pressed. */
export function CrashCallDialog({ plans, roomId, onClose }: Props): JSX.Element {
    const client = useClient();
    const fhir = useSession((session) => session.fhir);
    const outbox = useSession((session) => session.outbox);
    const queries = useQueryClient();
    const show = useOpenBoard();
    const room = client.getRoom(roomId);
    const ref = room ? patientRef(room) : undefined;
    const found = usePatient(ref);
    const { data: places } = usePlaces();
    const [opened] = useState(() => Date.now());
    const [id] = useState(() => crypto.randomUUID());
    const [said, setSaid] = useState<string>();
    const [chosen, setChosen] = useState(plans[0]?.id ?? "");
    const [words, setWords] = useState("");
    const [drill, setDrill] = useState(false);
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const field = useRef<HTMLInputElement>(null);
    const names = useId();

    const bed = found && [found.place.ward, found.place.bed].filter(Boolean).join(", ");
    const place = said ?? bed ?? "";
    const plan = plans.find((one) => one.id === chosen);
    const wards = [...(places?.values() ?? [])].filter((one) => one.kind === "ward");

    const call = async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        if (busy || !fhir || !plan || Date.now() - opened < GUARD_MS) return;
        if (!place.trim()) {
            setProblem(t.alarms.needPlace);
            field.current?.focus();
            return;
        }
        setBusy(true);
        setProblem(undefined);
        try {
            const draft = { id, playbook: plan.id, place: place.trim(), drill, patientRef: ref };
            const made = callFromResource(await fhir.put("CommunicationRequest", id, crashResource(draft)));
            // What else the team should know goes end-to-end encrypted into the conversation, as every message.
            const message = words.trim();
            if (message && made?.roomId !== undefined) {
                const body = drill ? `${t.alarms.drill}. ${message}` : message;
                const content = { msgtype: "m.text", body };
                await outbox?.add({ roomId: made.roomId, type: "m.room.message", content });
            }
            void queries.invalidateQueries({ queryKey: keys.calls });
            void queries.invalidateQueries({ queryKey: keys.requests });
            onClose();
            show(id);
        } catch (error) {
            // The same id again calls nobody twice, so trying again is safe.
            setProblem(error instanceof FhirError ? error.message : t.alarms.callFailed);
            setBusy(false);
        }
    };

    return (
        <Dialog title={drill ? t.alarms.crashDrill : t.alarms.crashCall} onClose={onClose} wide>
            <form className="ask" noValidate onSubmit={(event) => void call(event)}>
                {plans.length > 1 && (
                    <fieldset className="choices">
                        <legend>{t.alarms.what}</legend>
                        {plans.map((one) => (
                            <label key={one.id} className="choice">
                                <input
                                    type="radio"
                                    name="plan"
                                    aria-label={one.title}
                                    checked={one.id === chosen}
                                    onChange={() => setChosen(one.id)}
                                />
                                <span>
                                    <strong>{one.title}</strong>
                                    <span className="muted">{one.description}</span>
                                </span>
                            </label>
                        ))}
                    </fieldset>
                )}
                <div className="field">
                    <label htmlFor={`${names}-place`}>{t.alarms.where}</label>
                    {problem !== undefined && (
                        <p id={`${names}-problem`} className="field-error" role="alert">
                            {problem}
                        </p>
                    )}
                    <input
                        ref={field}
                        id={`${names}-place`}
                        value={place}
                        maxLength={120}
                        list={`${names}-wards`}
                        autoComplete="off"
                        aria-invalid={problem !== undefined}
                        aria-describedby={problem === undefined ? undefined : `${names}-problem`}
                        onChange={(event) => setSaid(event.target.value)}
                    />
                    <datalist id={`${names}-wards`}>
                        {wards.map((ward) => (
                            <option key={ward.id} value={ward.name}>
                                {ward.name}
                            </option>
                        ))}
                    </datalist>
                </div>
                {plan && (
                    <div className="alarm-team">
                        <p className="alarm-team__title">
                            <strong>{plan.title}</strong> {t.alarms.calls}
                        </p>
                        <ul>
                            {plan.roles.map((role) => (
                                <li key={role.name}>
                                    {role.name}:{" "}
                                    {role.holder ?? (
                                        <span className="role__nobody">
                                            <Icon name="nobody" size={18} /> {t.onCall.nobody}
                                        </span>
                                    )}
                                </li>
                            ))}
                        </ul>
                    </div>
                )}
                <button
                    type="submit"
                    className={
                        drill ? "button alarm-now alarm-now--drill" : "button button--danger alarm-now"
                    }
                    aria-disabled={busy}
                >
                    <Icon name="urgent" /> {drill ? t.alarms.callDrill : t.alarms.callNow}
                </button>
                <div className="field">
                    <label htmlFor={`${names}-words`}>{t.alarms.more}</label>
                    <p className="muted">{t.alarms.moreHint}</p>
                    <textarea
                        id={`${names}-words`}
                        rows={2}
                        value={words}
                        maxLength={2000}
                        onChange={(event) => setWords(event.target.value)}
                    />
                </div>
                <label className="choice choice--line">
                    <input
                        type="checkbox"
                        checked={drill}
                        onChange={(event) => setDrill(event.target.checked)}
                    />
                    <span>
                        {t.alarms.isDrill} <span className="muted">{t.alarms.isDrillHint}</span>
                    </span>
                </label>
                <button type="button" className="button" onClick={onClose}>
                    {t.app.cancel}
                </button>
            </form>
        </Dialog>
    );
}
