import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { clockWithDay } from "../i18n/time.ts";
import type { Request } from "./model.ts";
import { useNames } from "./use-request.ts";
import { chainLine } from "./sentences.ts";

/** Who saw it when: every step of a request, oldest first. */
export function Chain({ request, open = false }: { request: Request; open?: boolean }): JSX.Element {
    const name = useNames();
    const now = Date.now();
    return (
        <details className="chain" open={open}>
            <summary>{t.requests.chain}</summary>
            <ol>
                {request.chain.map((one, index) => (
                    <li key={`${one.at}-${one.state}-${index}`}>
                        <time dateTime={new Date(one.at).toISOString()}>{clockWithDay(one.at, now)}</time>
                        <span>{chainLine(one, index === 0, name)}</span>
                    </li>
                ))}
            </ol>
        </details>
    );
}
