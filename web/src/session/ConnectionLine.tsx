import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import { useSession } from "./store.ts";

/** Says that the connection is gone, in room kept free for it: nothing moves when it comes or goes. */
export function ConnectionLine(): JSX.Element {
    const connection = useSession((session) => session.connection);
    const keptAt = useSession((session) => session.keptAt);
    const heard = useSession((session) => session.heard === true);
    return (
        <p className="connection" role="status">
            {connection === "reconnecting" &&
                (keptAt === undefined || heard
                    ? t.connection.reconnecting
                    : t.connection.kept(clockWithDay(keptAt, Date.now())))}
        </p>
    );
}
