import { useId, useRef, useState, type FormEvent, type JSX } from "react";
import { usePlaces } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { patientRef } from "../matrix/rooms.ts";
import { usePatient } from "../patients/use-patient.ts";
import { useClient, useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Field } from "../ui/Field.tsx";
import { Icon } from "../ui/Icon.tsx";
import { DrillChoice } from "./DrillChoice.tsx";
import { callFromResource, crashResource, type CallPlan } from "./model.ts";
import { useMakeCall } from "./use-make-call.ts";

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
    const outbox = useSession((session) => session.outbox);
    const { id, make, busy, problem, setProblem } = useMakeCall(onClose);
    const room = client.getRoom(roomId);
    const ref = room ? patientRef(room) : undefined;
    const found = usePatient(ref);
    const { data: places } = usePlaces();
    const [opened] = useState(() => Date.now());
    const [said, setSaid] = useState<string>();
    const [chosen, setChosen] = useState(plans[0]?.id ?? "");
    const [words, setWords] = useState("");
    const [drill, setDrill] = useState(false);
    const field = useRef<HTMLInputElement>(null);
    const wardsId = useId();

    const bed = found && [found.place.ward, found.place.bed].filter(Boolean).join(", ");
    const place = said ?? bed ?? "";
    const plan = plans.find((one) => one.id === chosen);
    const wards = [...(places?.values() ?? [])].filter((one) => one.kind === "ward");

    const call = async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        if (busy || !plan || Date.now() - opened < GUARD_MS) return;
        if (!place.trim()) {
            setProblem(t.alarms.needPlace);
            field.current?.focus();
            return;
        }
        const draft = { id, playbook: plan.id, place: place.trim(), drill, patientRef: ref };
        await make(crashResource(draft), async (answer) => {
            // What else the team should know goes end-to-end encrypted into the conversation, as every message.
            const made = callFromResource(answer);
            const message = words.trim();
            if (!message || made?.roomId === undefined) return;
            const body = drill ? `${t.alarms.drill}. ${message}` : message;
            const content = { msgtype: "m.text", body };
            await outbox?.add({ roomId: made.roomId, type: "m.room.message", content });
        });
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
                <Field label={t.alarms.where} problem={problem} alert>
                    {(attributes) => (
                        <>
                            <input
                                {...attributes}
                                ref={field}
                                value={place}
                                maxLength={120}
                                list={wardsId}
                                autoComplete="off"
                                onChange={(event) => setSaid(event.target.value)}
                            />
                            <datalist id={wardsId}>
                                {wards.map((ward) => (
                                    <option key={ward.id} value={ward.name}>
                                        {ward.name}
                                    </option>
                                ))}
                            </datalist>
                        </>
                    )}
                </Field>
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
                <Field label={t.alarms.more} hint={t.alarms.moreHint}>
                    {(attributes) => (
                        <textarea
                            autoComplete="off"
                            {...attributes}
                            rows={2}
                            value={words}
                            maxLength={2000}
                            onChange={(event) => setWords(event.target.value)}
                        />
                    )}
                </Field>
                <DrillChoice drill={drill} onChange={setDrill} />
                <button type="button" className="button" onClick={onClose}>
                    {t.app.cancel}
                </button>
            </form>
        </Dialog>
    );
}
