import { useState, type JSX } from "react";
import { useLocation } from "wouter";
import { useOnCall, useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import { startDirect } from "../chats/direct.ts";
import { AskDialog } from "../requests/AskDialog.tsx";
import { useMe } from "../requests/use-request.ts";
import { useClient } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { Empty, LoadFailed, Loading } from "../ui/parts.tsx";
import type { OnCallRole } from "./model.ts";

/** Every role and who holds it now, or in words and red that nobody does. */
export function OnCallScreen(): JSX.Element {
    const roles = useOnCall();
    const [asking, setAsking] = useState<OnCallRole>();
    if (roles.isPending) return <Loading />;
    const vacant = (roles.data ?? []).filter((role) => !role.holder).length;
    return (
        <>
            {roles.isError && (
                <LoadFailed stale={roles.data !== undefined} retry={() => void roles.refetch()} />
            )}
            {roles.data?.length === 0 && <Empty icon="on-call">{t.onCall.empty}</Empty>}
            {vacant > 0 && (
                <p className="vacancy-count">
                    <Icon name="nobody" size={18} /> {t.onCall.vacant(vacant)}
                </p>
            )}
            <ul className="rows">
                {roles.data?.map((role) => (
                    <RoleRow key={role.id} role={role} onAsk={() => setAsking(role)} />
                ))}
            </ul>
            {asking && (
                <AskDialog
                    to={{ kind: "role", id: asking.id, display: asking.name }}
                    onClose={() => setAsking(undefined)}
                />
            )}
        </>
    );
}

function RoleRow({ role, onAsk }: { role: OnCallRole; onAsk: () => void }): JSX.Element {
    const client = useClient();
    const { data: staff } = useStaff();
    const me = useMe();
    const [, navigate] = useLocation();
    const [problem, setProblem] = useState(false);
    const message = async (id: string): Promise<void> => {
        setProblem(false);
        try {
            const roomId = await startDirect(client, id);
            navigate(`/chats/${encodeURIComponent(roomId)}`);
        } catch {
            setProblem(true);
        }
    };
    const { holder, phone } = role;
    const holderName = holder && (staff?.get(holder.id)?.name ?? holder.name ?? holder.id);
    return (
        <li className={holder ? "row role" : "row role role--vacant"}>
            <div className="row__main">
                <h2 className="row__title">{role.name}</h2>
                {holder ? (
                    <p>
                        <strong>
                            {holderName}
                            {holder.id === me && ` (${t.onCall.you})`}
                        </strong>
                        {holder.until !== undefined && (
                            <span className="muted">
                                {" "}
                                {t.time.until(clockWithDay(holder.until, Date.now()))}
                            </span>
                        )}
                    </p>
                ) : (
                    <p className="role__nobody">
                        <Icon name="nobody" size={18} /> {t.onCall.nobody}
                        <span className="role__hint">{t.onCall.nobodyHint}</span>
                    </p>
                )}
                {phone !== undefined && <p className="muted">{phone}</p>}
                {problem && (
                    <p className="field-error" role="alert">
                        {t.chats.failed}
                    </p>
                )}
            </div>
            <div className="role__buttons">
                {holder && holder.id !== me && (
                    <button
                        type="button"
                        className="icon-button"
                        aria-label={t.onCall.message(holderName ?? holder.id)}
                        onClick={() => void message(holder.id)}
                    >
                        <Icon name="chats" />
                    </button>
                )}
                <button
                    type="button"
                    className="button"
                    aria-label={t.onCall.askRole(role.name)}
                    onClick={onAsk}
                >
                    {t.onCall.ask}
                </button>
            </div>
        </li>
    );
}
