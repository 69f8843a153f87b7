import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { useSession } from "./store.ts";

/** Says that the connection is gone, in room kept free for it: nothing moves when it comes or goes. */
export function ConnectionLine(): JSX.Element {
    const connection = useSession((session) => session.connection);
    return (
        <p className="connection" role="status">
            {connection === "reconnecting" && t.connection.reconnecting}
        </p>
    );
}
