import type { JSX } from "react";
import { Link } from "wouter";
import { useWriteTo } from "../chats/use-write-to.ts";
import { DeviceLine } from "../duty/DeviceLine.tsx";
import { t } from "../i18n/index.ts";
import { pagePath } from "../paths.ts";
import { useMe } from "../requests/use-request.ts";
import { Icon } from "../ui/Icon.tsx";
import { HolderLine, useStaffNames } from "./Holder.tsx";
import { isVacant, type OnCallRole } from "./model.ts";

/** One role: who holds it, one tap to ask or to write, one more for everything else about it. */
export function RoleRow({
    role,
    opened,
    onAsk,
}: {
    role: OnCallRole;
    opened?: string | undefined;
    onAsk: () => void;
}): JSX.Element {
    const name = useStaffNames();
    const me = useMe();
    const { writeTo, failed } = useWriteTo();
    const { holder, phone } = role;
    return (
        <li
            className={isVacant(role) ? "row role role--vacant" : "row role"}
            aria-current={opened === `role:${role.id}` ? "true" : undefined}
        >
            <div className="row__main">
                <h2 className="row__title">
                    <Link href={pagePath("on-call", "role", role.id)} aria-label={t.role.open(role.name)}>
                        {role.name}
                    </Link>
                </h2>
                <HolderLine role={role} />
                {holder && <DeviceLine practitionerId={holder.id} />}
                {phone !== undefined && <p className="muted">{phone}</p>}
                {failed && (
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
                        aria-label={t.onCall.message(name(holder))}
                        onClick={() => void writeTo(holder.id)}
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
