import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { clockSeconds, clockWithDay } from "../i18n/time.ts";
import type { Request, Transition } from "./model.ts";
import { useNames } from "./use-request.ts";
import { chainLine } from "./sentences.ts";

/** Who saw it when: every step of a request, oldest first, with the device and, where it was wrong, what its clock showed. */
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
                        <span className="chain__what">
                            {chainLine(one, index === 0, name)}
                            {open && <Circumstances of={one} />}
                        </span>
                    </li>
                ))}
            </ol>
        </details>
    );
}

/** On which device something was done, and how far that device's clock was off. */
function Circumstances({ of }: { of: Transition }): JSX.Element | null {
    const off = of.deviceAt === undefined ? undefined : of.deviceAt - of.at;
    if (of.device === undefined && off === undefined) return null;
    return (
        <span className="muted">
            {of.device !== undefined && t.requests.device(of.device)}
            {off !== undefined && of.deviceAt !== undefined && (
                <strong> {t.requests.deviceClock(clockSeconds(of.deviceAt), off)}</strong>
            )}
        </span>
    );
}
