import { lazy, Suspense, useCallback, useState, type JSX } from "react";
import { Link } from "wouter";
import type { PageProps } from "../Detail.tsx";
import { useOnCall, usePlaces } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { pagePath } from "../paths.ts";
import { AskDialog } from "../requests/AskDialog.tsx";
import { useMe } from "../requests/use-request.ts";
import { Page, Part } from "../ui/Page.tsx";
import { Empty, LoadFailed, Loading } from "../ui/parts.tsx";
import { HolderLine, useStaffNames } from "./Holder.tsx";
import { asked, isVacant, type OnCallRole } from "./model.ts";
import { Offer } from "./Offers.tsx";
import { HandOverForm, ReleaseForm, TakeForm } from "./RoleForms.tsx";
import { Shifts } from "./Shifts.tsx";
import { useRoleAction } from "./use-role-action.ts";

const ShowCode = lazy(async () => ({ default: (await import("./ShowCode.tsx")).ShowCode }));
const ScanCode = lazy(async () => ({ default: (await import("./ScanCode.tsx")).ScanCode }));

/** Everything about one role: who holds it and why, how it changes hands, what it covers, its shifts. */
export function RolePage({ id, back }: PageProps): JSX.Element {
    const roles = useOnCall();
    const role = roles.data?.find((one) => one.id === id);
    return (
        <Page title={role?.name ?? t.role.title} back={back}>
            {roles.isPending && <Loading />}
            {roles.isError && (
                <LoadFailed stale={roles.data !== undefined} retry={() => void roles.refetch()} />
            )}
            {roles.data && !role && <Empty icon="on-call">{t.role.gone}</Empty>}
            {role && <RoleDetails role={role} />}
        </Page>
    );
}

function RoleDetails({ role }: { role: OnCallRole }): JSX.Element {
    const me = useMe();
    const [asking, setAsking] = useState(false);
    const mine = role.holder?.id === me;
    const offeredToMe = role.offer?.to.id === me;
    return (
        <>
            <Part title={t.role.now}>
                <div className={isVacant(role) ? "holder holder--vacant" : "holder"}>
                    <HolderLine role={role} />
                    {role.holder?.by !== undefined && <p className="muted">{t.role.by[role.holder.by]}</p>}
                    {role.phone !== undefined && <p>{role.phone}</p>}
                    <Fallback role={role} />
                </div>
                {offeredToMe && <Offer role={role} />}
                <Change role={role} />
                <div className="actions__row">
                    <button type="button" className="button" onClick={() => setAsking(true)}>
                        {t.onCall.askRole(role.name)}
                    </button>
                    {(mine || offeredToMe) && (
                        <Link className="button" href={pagePath("on-call", "handover", role.id)}>
                            {t.handover.title}
                        </Link>
                    )}
                </div>
            </Part>
            <Wards role={role} />
            <Shifts roleId={role.id} />
            {asking && <AskDialog to={asked(role)} onClose={() => setAsking(false)} />}
        </>
    );
}

function Fallback({ role }: { role: OnCallRole }): JSX.Element | null {
    const { data: roles } = useOnCall();
    const fallback = roles?.find((one) => one.id === role.fallbackId);
    return fallback ? <p className="muted">{t.role.fallback(fallback.name)}</p> : null;
}

function Wards({ role }: { role: OnCallRole }): JSX.Element | null {
    const { data: places } = usePlaces();
    const names = role.wards.map((id) => places?.get(id)?.name ?? id);
    if (names.length === 0) return null;
    return (
        <Part title={t.role.covers}>
            <ul className="plain">
                {names.map((name) => (
                    <li key={name}>{name}</li>
                ))}
            </ul>
        </Part>
    );
}

type Form = "take" | "longer" | "hand-over" | "release" | "code" | "scan";

/** The ways in which this person can change who holds the role. */
function Change({ role }: { role: OnCallRole }): JSX.Element {
    const me = useMe();
    const name = useStaffNames();
    const [form, setForm] = useState<Form>();
    const { act, busy, problem } = useRoleAction(role.id);
    const { holder, offer } = role;
    const mine = holder?.id === me && holder.by !== "deputy";
    const free = holder === undefined || holder.by === "deputy";
    const close = useCallback(() => setForm(undefined), []);
    const run: typeof act = async (action, parameters) => {
        const done = await act(action, parameters);
        if (done) close();
        return done;
    };
    const taken = holder !== undefined && holder.id !== me;
    const shared = { role, act: run, busy, onCancel: close };
    const button = (which: Form, words: string, primary = false): JSX.Element => (
        <button
            type="button"
            className={primary ? "button button--primary" : "button"}
            onClick={() => setForm(which)}
        >
            {words}
        </button>
    );
    return (
        <div className="change">
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            {form === undefined && (
                <div className="actions__row">
                    {free && button("take", t.role.take, true)}
                    {mine && button("hand-over", t.role.handOver, true)}
                    {mine && button("code", t.role.showCode)}
                    {taken && button("scan", t.role.scan)}
                    {mine && button("longer", t.role.longer)}
                    {mine && button("release", t.role.release)}
                    {mine && offer && (
                        <button
                            type="button"
                            className="button"
                            aria-disabled={busy}
                            onClick={() => void run("decline-offer")}
                        >
                            {t.role.withdraw(name(offer.to))}
                        </button>
                    )}
                </div>
            )}
            {(form === "take" || form === "longer") && <TakeForm {...shared} longer={form === "longer"} />}
            {form === "hand-over" && <HandOverForm {...shared} />}
            {form === "release" && <ReleaseForm {...shared} />}
            <Suspense>
                {form === "code" && <ShowCode role={role} onClose={close} />}
                {form === "scan" && <ScanCode roleId={role.id} onClose={close} />}
            </Suspense>
        </div>
    );
}
