import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, type FormEvent, type JSX } from "react";
import { useLocation } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";
import { useOnCall } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { dateTime } from "../i18n/time.ts";
import { requestClasses } from "../matrix/events.ts";
import { localpart } from "../matrix/rooms.ts";
import { useStaffNames } from "../oncall/Holder.tsx";
import { pagePath } from "../paths.ts";
import { useSession } from "../session/store.ts";
import { Part } from "../ui/Page.tsx";
import { Refused, savePlaybook, withdrawPlaybook, type Saved } from "./api.ts";
import { arranged, moved, newStep, toggled, type Playbook, type Step } from "./model.ts";
import { StepForm } from "./StepForm.tsx";
import { Proof } from "./Proof.tsx";

interface EditorProps {
    saved: Saved;
    mayEdit: boolean;
    /** Where the list is. */
    back: string;
}

/** A playbook in a form: what it is for, its steps; checked and played through before it is saved as a new version. */
export function Editor({ saved, mayEdit, back }: EditorProps): JSX.Element {
    const [base, setBase] = useState(saved);
    const [draft, setDraft] = useState<Playbook>(saved.playbook);
    // The first save of a new one leads to its own address, and says so there.
    const [done, setDone] = useState(useHistoryState<{ saved?: number } | null>()?.saved);
    const isNew = base.version === 0;
    const changed = draft !== base.playbook;
    // A version of somebody else takes nothing away that was changed here.
    if (saved.version > base.version && !changed) {
        setBase(saved);
        setDraft(saved.playbook);
    }
    const setStep = (index: number, step: Step): void =>
        setDraft({ ...draft, steps: draft.steps.map((one, at) => (at === index ? step : one)) });
    const removeStep = (index: number): void =>
        setDraft(arranged({ ...draft, steps: draft.steps.filter((_, at) => at !== index) }));
    return (
        <>
            <fieldset className="bare" disabled={!mayEdit}>
                <Head draft={draft} isNew={isNew} onChange={setDraft} />
                <Part title={t.playbooks.stepsTitle}>
                    <ol className="steps">
                        {draft.steps.map((step, index) => (
                            <li key={`${index}-${draft.steps.length}`}>
                                <StepForm
                                    step={step}
                                    index={index}
                                    last={index === draft.steps.length - 1}
                                    onChange={(next) => setStep(index, next)}
                                    onRemove={
                                        draft.steps.length > 1 && index > 0
                                            ? () => removeStep(index)
                                            : undefined
                                    }
                                    onUp={
                                        index > 1 ? () => setDraft(moved(draft, index, index - 1)) : undefined
                                    }
                                />
                            </li>
                        ))}
                    </ol>
                    {mayEdit && draft.steps.length < 20 && (
                        <button
                            type="button"
                            className="button"
                            onClick={() =>
                                setDraft(arranged({ ...draft, steps: [...draft.steps, newStep()] }))
                            }
                        >
                            {t.playbooks.addStep}
                        </button>
                    )}
                </Part>
            </fieldset>
            <Proof draft={draft} />
            {mayEdit && (
                <Save
                    draft={draft}
                    version={base.version}
                    changed={changed}
                    saved={done === base.version ? done : undefined}
                    onSaved={(version, playbook) => {
                        setBase({ ...base, version, playbook });
                        setDone(version);
                    }}
                    back={back}
                />
            )}
            {!isNew && <Versions saved={saved} />}
        </>
    );
}

interface HeadProps {
    draft: Playbook;
    isNew: boolean;
    onChange: (draft: Playbook) => void;
}

function Head({ draft, isNew, onChange }: HeadProps): JSX.Element {
    const { data: roles } = useOnCall();
    const id = useId();
    const chosen = draft.roles ?? [];
    return (
        <Part title={t.playbooks.about}>
            {isNew && (
                <div className="field">
                    <label htmlFor={`${id}-id`}>{t.playbooks.id}</label>
                    <span id={`${id}-id-hint`} className="muted">
                        {t.playbooks.idHint}
                    </span>
                    <input
                        autoComplete="off"
                        id={`${id}-id`}
                        value={draft.id}
                        aria-describedby={`${id}-id-hint`}
                        onChange={(event) => onChange({ ...draft, id: event.target.value.trim() })}
                    />
                </div>
            )}
            <div className="field">
                <label htmlFor={`${id}-title`}>{t.playbooks.name}</label>
                <input
                    autoComplete="off"
                    id={`${id}-title`}
                    value={draft.title}
                    onChange={(event) => onChange({ ...draft, title: event.target.value })}
                />
            </div>
            <div className="field">
                <label htmlFor={`${id}-for`}>{t.playbooks.description}</label>
                <textarea
                    autoComplete="off"
                    id={`${id}-for`}
                    rows={2}
                    value={draft.description ?? ""}
                    onChange={(event) => onChange({ ...draft, description: event.target.value || undefined })}
                />
            </div>
            <fieldset className="choices">
                <legend>{t.playbooks.classes}</legend>
                {requestClasses.map((value) => (
                    <label key={value} className="choice">
                        <input
                            type="checkbox"
                            checked={draft.classes.includes(value)}
                            onChange={(event) =>
                                onChange({
                                    ...draft,
                                    classes: toggled(draft.classes, value, event.target.checked),
                                })
                            }
                        />
                        {t.requests.className[value]}
                    </label>
                ))}
            </fieldset>
            <fieldset className="choices">
                <legend>{t.playbooks.roles}</legend>
                <p className="muted">{t.playbooks.rolesHint}</p>
                {roles?.map((role) => (
                    <label key={role.id} className="choice">
                        <input
                            type="checkbox"
                            checked={chosen.includes(role.id)}
                            onChange={(event) => {
                                const others = chosen.filter((one) => one !== role.id);
                                const next = event.target.checked ? [...others, role.id] : others;
                                onChange({ ...draft, roles: next.length > 0 ? next : undefined });
                            }}
                        />
                        {role.name}
                    </label>
                ))}
            </fieldset>
            <label className="choice">
                <input
                    type="checkbox"
                    checked={draft.only_by_name ?? false}
                    onChange={(event) =>
                        onChange({ ...draft, only_by_name: event.target.checked || undefined })
                    }
                />
                {t.playbooks.onlyByName}
            </label>
        </Part>
    );
}

interface SaveProps {
    draft: Playbook;
    version: number;
    changed: boolean;
    /** The version that was saved here. */
    saved: number | undefined;
    onSaved: (version: number, playbook: Playbook) => void;
    back: string;
}

/** Saves the draft as the next version, or takes the playbook out of use. */
function Save({ draft, version, changed, saved, onSaved, back }: SaveProps): JSX.Element {
    const authorised = useSession((session) => session.authorised);
    const queries = useQueryClient();
    const [, navigate] = useLocation();
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const [withdrawing, setWithdrawing] = useState(false);
    const said = useRef<HTMLParagraphElement>(null);
    useEffect(() => {
        // The first save opens another page, which would begin at its top.
        if (saved !== undefined) said.current?.scrollIntoView({ block: "center" });
    }, [saved]);
    const run = async (change: (fetch: typeof globalThis.fetch) => Promise<void>): Promise<void> => {
        if (!authorised || busy) return;
        setBusy(true);
        setProblem(undefined);
        try {
            await change(authorised);
        } catch (error) {
            setProblem(why(error));
        } finally {
            setBusy(false);
            void queries.invalidateQueries({ queryKey: ["playbooks"] });
        }
    };
    const save = (event: FormEvent): void => {
        event.preventDefault();
        if (!changed) return;
        void run(async (fetch) => {
            const { version: next } = await savePlaybook(fetch, draft, version);
            onSaved(next, draft);
            if (version === 0) {
                const state = { saved: next };
                navigate(pagePath("on-call", "playbook", draft.id), { replace: true, state });
            }
        });
    };
    const withdraw = (): void =>
        void run(async (fetch) => {
            await withdrawPlaybook(fetch, draft.id, version);
            navigate(back, { replace: true });
        });
    return (
        <form className="part" onSubmit={save}>
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            <p ref={said} role="status">
                {changed ? t.playbooks.unsaved : saved === undefined ? "" : t.playbooks.saved(saved)}
            </p>
            {withdrawing ? (
                <div className="form notice notice--warning">
                    <p>{t.playbooks.withdrawBody}</p>
                    <div className="actions__row">
                        <button type="button" className="button button--danger" onClick={withdraw}>
                            {t.playbooks.withdraw}
                        </button>
                        <button type="button" className="button" onClick={() => setWithdrawing(false)}>
                            {t.app.back}
                        </button>
                    </div>
                </div>
            ) : (
                <div className="actions__row">
                    <button type="submit" className="button button--primary" aria-disabled={busy || !changed}>
                        {t.playbooks.save}
                    </button>
                    {version > 0 && (
                        <button type="button" className="button" onClick={() => setWithdrawing(true)}>
                            {t.playbooks.withdraw}
                        </button>
                    )}
                </div>
            )}
        </form>
    );
}

function why(error: unknown): string {
    if (!(error instanceof Refused)) return t.role.failedOffline;
    return error.status === 409 || error.status === 412
        ? t.playbooks.conflict
        : t.role.failed(refusalWords(error));
}

/** Who saved which version when. */
function Versions({ saved }: { saved: Saved }): JSX.Element {
    const name = useStaffNames();
    const author = (id: string | null): string =>
        id ? name({ id: id.startsWith("@") ? localpart(id) : id }) : t.app.name;
    return (
        <Part title={t.playbooks.versions}>
            <ul className="plain">
                {saved.versions.map((one) => (
                    <li key={one.version}>
                        {t.playbooks.version(one.version, author(one.changed_by), dateTime(one.changed_ts))}
                        {one.withdrawn && ` (${t.playbooks.withdrawn})`}
                    </li>
                ))}
            </ul>
        </Part>
    );
}
