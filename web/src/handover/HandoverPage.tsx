import { useQueryClient } from "@tanstack/react-query";
import { useState, type JSX } from "react";
import type { PageProps } from "../Detail.tsx";
import { FhirError } from "../fhir/client.ts";
import { keys, useFhir, useOnCall } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { dateTime } from "../i18n/time.ts";
import { useStaffNames } from "../oncall/Holder.tsx";
import type { OnCallRole } from "../oncall/model.ts";
import { useRoleAction } from "../oncall/use-role-action.ts";
import { useMe, useNames } from "../requests/use-request.ts";
import { useSession } from "../session/store.ts";
import { Page } from "../ui/Page.tsx";
import { Empty, LoadFailed, Loading } from "../ui/parts.tsx";
import { HandoverCard, layouts, type Layout } from "./HandoverCard.tsx";
import { cardKey, handoverFrom, type HandoverList } from "./model.ts";

function useHandover(roleId: string): ReturnType<typeof useFhir<HandoverList>> {
    return useFhir(
        [...keys.handover, roleId],
        async (fhir) => {
            const list = handoverFrom(
                await fhir.get(`HealthcareService/${encodeURIComponent(roleId)}/$handover`),
            );
            if (!list) throw new Error("the service gave no handover list");
            return list;
        },
        20_000,
    );
}

/** What is open with a role, by patient, to be read and taken over by whoever holds it next; to be printed on A4. */
export function HandoverPage({ id, back }: PageProps): JSX.Element {
    const list = useHandover(id);
    const { data: roles } = useOnCall();
    const role = roles?.find((one) => one.id === id);
    const [layout, setLayout] = useState<Layout>("ipass");
    const title = t.handover.of(role?.name ?? id);
    const refused = list.error instanceof FhirError && list.error.status === 403;
    return (
        <Page
            title={title}
            back={back}
            tools={
                list.data && (
                    <button type="button" className="button no-print" onClick={() => print()}>
                        {t.handover.print}
                    </button>
                )
            }
        >
            {list.isPending && <Loading />}
            {refused && <Empty icon="on-call">{t.handover.refused}</Empty>}
            {list.isError && !refused && (
                <LoadFailed stale={list.data !== undefined} retry={() => void list.refetch()} />
            )}
            {list.data && !refused && (
                <div className="handover">
                    <PrintHead title={title} list={list.data} />
                    <div className="chips no-print" role="group" aria-label={t.handover.layout}>
                        {layouts.map((value) => (
                            <button
                                key={value}
                                type="button"
                                className="chip"
                                aria-pressed={layout === value}
                                onClick={() => setLayout(value)}
                            >
                                {t.handover.layouts[value]}
                            </button>
                        ))}
                    </div>
                    <Cards list={list.data} role={role} roleId={id} layout={layout} />
                    <PrintFoot />
                </div>
            )}
        </Page>
    );
}

interface CardsProps {
    list: HandoverList;
    role: OnCallRole | undefined;
    roleId: string;
    layout: Layout;
}

function Cards({ list, role, roleId, layout }: CardsProps): JSX.Element {
    const name = useNames();
    const [read, setRead] = useState<ReadonlySet<string>>(new Set());
    const { accept, busy, problem, changed, done } = useAcceptance(roleId);
    const me = useMe();
    const offered = role !== undefined && role.offer?.to.id === me && role.holder?.id !== me;
    const incoming = role?.holder?.id === me;
    // What was accepted moves on at once, for it is being worked on: it was accepted all the same.
    const accepted = list.acceptedBy ?? (done === undefined ? undefined : me);
    const acceptedAt = list.acceptedAt ?? done;
    const left = list.cards.filter((card) => !read.has(cardKey(card))).length;
    const tick = (key: string, on: boolean): void => {
        const next = new Set(read);
        if (on) next.add(key);
        else next.delete(key);
        setRead(next);
    };
    return (
        <>
            <p>
                {t.handover.count(list.cards.reduce((sum, card) => sum + card.requests.length, 0))}{" "}
                <span className="muted">{t.handover.asOf(dateTime(list.at))}</span>
            </p>
            {offered && <TakeFirst role={role} />}
            {accepted !== undefined && (
                <p className="notice notice--good" role="status">
                    {t.handover.acceptedBy(
                        name({ kind: "person", id: accepted }),
                        acceptedAt === undefined ? "" : dateTime(acceptedAt),
                    )}
                </p>
            )}
            {list.cards.length === 0 && <Empty icon="requests">{t.handover.nothing}</Empty>}
            {list.cards.map((card) => {
                const key = cardKey(card);
                return (
                    <HandoverCard
                        key={card.patientRef ?? ""}
                        card={card}
                        layout={layout}
                        read={read.has(key)}
                        onRead={incoming && accepted === undefined ? (on) => tick(key, on) : undefined}
                    />
                );
            })}
            {incoming && accepted === undefined && (
                <section className="handover__accept no-print" aria-label={t.handover.accept}>
                    {changed && (
                        <p className="notice notice--warning" role="alert">
                            {t.handover.changed}
                        </p>
                    )}
                    {problem !== undefined && (
                        <p className="notice notice--error" role="alert">
                            {problem}
                        </p>
                    )}
                    <p role="status">{left > 0 ? t.handover.left(left) : t.handover.ready}</p>
                    <button
                        type="button"
                        className="button button--primary"
                        aria-disabled={busy || left > 0}
                        onClick={() => {
                            if (left === 0) void accept(list, read);
                        }}
                    >
                        {t.handover.accept}
                    </button>
                </section>
            )}
        </>
    );
}

/**
 * Accepts the list as it was read. If it has another version meanwhile it is read again, and accepted if everything on it was
 * ticked as it stands; else it is not accepted but shown.
 */
function useAcceptance(roleId: string): {
    accept: (list: HandoverList, read: ReadonlySet<string>) => Promise<void>;
    busy: boolean;
    problem: string | undefined;
    changed: boolean;
    /** When it was accepted during this visit. */
    done: number | undefined;
} {
    const fhir = useSession((session) => session.fhir);
    const queries = useQueryClient();
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<string>();
    const [changed, setChanged] = useState(false);
    const [done, setDone] = useState<number>();
    const accept = async (list: HandoverList, read: ReadonlySet<string>): Promise<void> => {
        if (!fhir || busy) return;
        setBusy(true);
        setProblem(undefined);
        setChanged(false);
        const send = (digest: string): Promise<unknown> =>
            fhir.operation("HealthcareService", roleId, "accept-handover", { digest });
        const sendAgain = async (error: unknown): Promise<unknown> => {
            if (!(error instanceof FhirError) || error.status !== 409) throw error;
            const path = `HealthcareService/${encodeURIComponent(roleId)}/$handover`;
            const now = handoverFrom(await fhir.get(path));
            if (!now?.cards.every((card) => read.has(cardKey(card)))) throw error;
            return send(now.digest);
        };
        try {
            const answer = handoverFrom(await send(list.digest).catch(sendAgain));
            if (answer) queries.setQueryData([...keys.handover, roleId], answer);
            setDone(answer?.acceptedAt ?? Date.now());
        } catch (error) {
            if (error instanceof FhirError && error.status === 409) setChanged(true);
            else if (error instanceof FhirError) setProblem(t.role.failed(refusalWords(error)));
            else setProblem(t.role.failedOffline);
        } finally {
            setBusy(false);
            void queries.invalidateQueries({ queryKey: keys.handover });
        }
    };
    return { accept, busy, problem, changed, done };
}

/** The role is on offer: patients and words are for whoever holds it, so it is accepted first. */
function TakeFirst({ role }: { role: OnCallRole }): JSX.Element {
    const { act, busy, problem } = useRoleAction(role.id);
    return (
        <section className="notice offer no-print" aria-label={t.role.offer(role.name)}>
            <p>{t.handover.roleFirst}</p>
            {problem !== undefined && (
                <p className="field-error" role="alert">
                    {problem}
                </p>
            )}
            <div className="actions__row">
                <button
                    type="button"
                    className="button button--primary"
                    aria-disabled={busy}
                    onClick={() => void act("accept-offer")}
                >
                    {t.role.acceptOffer}
                </button>
            </div>
        </section>
    );
}

/** On paper only: what it is, whose, when. */
function PrintHead({ title, list }: { title: string; list: HandoverList }): JSX.Element {
    const trust = useSession((session) => session.trust);
    const name = useStaffNames();
    const me = useMe();
    return (
        <header className="print-only print-head">
            <h1>{title}</h1>
            <p>
                {[trust, t.handover.asOf(dateTime(list.at)), t.handover.printedBy(name({ id: me }))]
                    .filter(Boolean)
                    .join(" · ")}
            </p>
        </header>
    );
}

/** On paper only: the two signatures, and what becomes of the paper. */
function PrintFoot(): JSX.Element {
    return (
        <footer className="print-only print-foot">
            <p>{t.handover.signedOver}</p>
            <p>{t.handover.signedTaken}</p>
            <p>
                <strong>{t.handover.confidential}</strong>
            </p>
        </footer>
    );
}
