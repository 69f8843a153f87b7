import type { JSX } from "react";
import { t } from "../i18n/index.ts";
import { clockSeconds, clockWithDay } from "../i18n/time.ts";
import type { Request, Transition } from "./model.ts";
import { useNames } from "./use-request.ts";
import { chainLine } from "./sentences.ts";

/** Who saw it when: every step of a request, oldest first. `open` without a fold, and with devices and wrong clocks. */
export function Chain({ request, open = false }: { request: Request; open?: boolean }): JSX.Element {
    const name = useNames();
    const now = Date.now();
    const steps = (
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
    );
    if (open) return <div className="chain">{steps}</div>;
    return (
        <details className="chain">
            <summary>{t.requests.chain}</summary>
            {steps}
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
