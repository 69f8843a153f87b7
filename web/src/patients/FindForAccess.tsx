import { useRef, useState, type FormEvent, type JSX } from "react";
import { Link } from "wouter";
import { FhirError } from "../fhir/client.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { pagePath } from "../paths.ts";
import { useSession } from "../session/store.ts";
import { Field } from "../ui/Field.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Page } from "../ui/Page.tsx";
import { Empty } from "../ui/parts.tsx";
import { findPatients, type FoundPatients } from "./access.ts";
import { bornWithAge, nhsNumber, shortName } from "./format.ts";

/** Finds the record whose looks the privacy officer wants to see; why is kept with the search. */
export function FindForAccess({ back }: { back: string }): JSX.Element {
    const fhir = useSession((session) => session.fhir);
    const [text, setText] = useState("");
    const [reason, setReason] = useState("");
    const [tried, setTried] = useState(false);
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const [found, setFound] = useState<FoundPatients>();
    const form = useRef<HTMLFormElement>(null);
    const tooShort = text.trim().length < 2;
    const noReason = reason.trim() === "";
    const submit = async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        setTried(true);
        if (tooShort || noReason) {
            requestAnimationFrame(() =>
                form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus(),
            );
            return;
        }
        if (!fhir || busy) return;
        setBusy(true);
        setProblem(undefined);
        setFound(undefined);
        try {
            setFound(await findPatients(fhir, text.trim(), reason.trim()));
        } catch (error) {
            setProblem(why(error));
        } finally {
            setBusy(false);
        }
    };
    return (
        <Page title={t.access.ofAny} back={back}>
            <form ref={form} className="ask" noValidate onSubmit={(event) => void submit(event)}>
                <p className="muted">{t.access.findWhat}</p>
                <Field label={t.access.findText} problem={tried && tooShort ? t.access.needText : undefined}>
                    {(attributes) => (
                        <input
                            {...attributes}
                            type="search"
                            autoComplete="off"
                            maxLength={100}
                            value={text}
                            onChange={(event) => setText(event.target.value)}
                        />
                    )}
                </Field>
                <Field
                    label={t.access.findReason}
                    problem={tried && noReason ? t.breakGlass.needReason : undefined}
                >
                    {(attributes) => (
                        <textarea
                            autoComplete="off"
                            {...attributes}
                            rows={2}
                            maxLength={500}
                            value={reason}
                            onChange={(event) => setReason(event.target.value)}
                        />
                    )}
                </Field>
                {problem !== undefined && (
                    <p className="notice notice--error" role="alert">
                        {problem}
                    </p>
                )}
                <div className="actions__row">
                    <button type="submit" className="button button--primary" aria-disabled={busy}>
                        {t.access.find}
                    </button>
                </div>
            </form>
            {found && <Found found={found} />}
        </Page>
    );
}

function Found({ found }: { found: FoundPatients }): JSX.Element {
    const { patients, total } = found;
    if (patients.length === 0) return <Empty icon="patients">{t.access.nobodySuch}</Empty>;
    return (
        <section className="access-found" aria-label={t.access.found}>
            <p role="status">{t.access.foundCount(patients.length, total)}</p>
            <ul className="rows">
                {patients.map((patient) => (
                    <li key={patient.ref}>
                        <Link className="row" href={pagePath("patients", "access", patient.ref)}>
                            <span className="row__main">
                                <span className="row__title">{shortName(patient)}</span>
                                <span className="row__sub">
                                    {patient.born !== undefined &&
                                        `${bornWithAge(patient.born, new Date())} · `}
                                    {patient.nhsNumber !== undefined && (
                                        <>
                                            {t.patients.nhsNumber}{" "}
                                            <bdi className="nowrap" dir="ltr">
                                                {nhsNumber(patient.nhsNumber)}
                                            </bdi>
                                        </>
                                    )}
                                </span>
                            </span>
                            <Icon name="next" size={18} />
                        </Link>
                    </li>
                ))}
            </ul>
        </section>
    );
}

function why(error: unknown): string {
    if (!(error instanceof FhirError)) return t.role.failedOffline;
    return error.status === 403 ? t.access.refused : t.role.failed(refusalWords(error));
}
