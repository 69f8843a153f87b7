import type { Room } from "matrix-js-sdk";
import type { JSX } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { colleagues, localpart, nameOf } from "../matrix/rooms.ts";
import { useAcceptIdentity, useStandings, type Standing } from "../matrix/verification.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";

/** What stands behind somebody's identity, in words; nothing where there is nothing to say. */
export function StandingLine({ standing }: { standing: Standing | undefined }): JSX.Element | null {
    const trust = useSession((session) => session.trust);
    if (standing === "changed") {
        return (
            <span className="standing standing--changed">
                <Icon name="warning" size={16} /> {t.identity.changedShort}
            </span>
        );
    }
    if (standing !== "verified" || trust === undefined) return null;
    return (
        <span className="standing">
            <Icon name="sent" size={16} /> {t.identity.verifiedBy(trust)}
        </span>
    );
}

/** The standing of the one other person in a conversation of two. */
export function OtherStanding({ room }: { room: Room }): JSX.Element | null {
    const others = colleagues(room);
    const other = others.length === 1 ? others[0]?.userId : undefined;
    const standings = useStandings(other === undefined ? [] : [other]);
    return other === undefined ? null : <StandingLine standing={standings.get(other)} />;
}

/** Warns of colleagues whose identity changed without the organisation's word, until this person has made sure. */
export function ChangedIdentities({ room }: { room: Room }): JSX.Element | null {
    const { data: staff } = useStaff();
    const standings = useStandings(colleagues(room).map(({ userId }) => userId));
    const accept = useAcceptIdentity();
    const changed = [...standings].filter(([, standing]) => standing === "changed");
    if (changed.length === 0) return null;
    return (
        <div className="notice notice--warning" role="alert">
            {changed.map(([userId]) => {
                const name = staff?.get(localpart(userId))?.name ?? nameOf(room, userId);
                return (
                    <div key={userId} className="changed-identity">
                        <p>
                            <strong>{t.identity.changed(name)}</strong> {t.identity.changedBody(name)}
                        </p>
                        <button type="button" className="button" onClick={() => void accept(userId)}>
                            {t.identity.accept(name)}
                        </button>
                    </div>
                );
            })}
        </div>
    );
}
