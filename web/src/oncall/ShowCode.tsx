import { useEffect, useState, type JSX } from "react";
import { FhirError } from "../fhir/client.ts";
import { ParametersSchema, readAll } from "../fhir/schema.ts";
import { useOnCall } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { refusalWords } from "../i18n/refusal.ts";
import { useMe } from "../requests/use-request.ts";
import { useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { useNow } from "../ui/parts.tsx";
import { grouped, writeRoleCode } from "./code.ts";
import type { OnCallRole } from "./model.ts";
import { modules } from "./qr.ts";

interface Made {
    code: string;
    until: number;
}

/** Shows a code, good once and for a short while: whoever scans it holds the role from then on. */
export function ShowCode({ role, onClose }: { role: OnCallRole; onClose: () => void }): JSX.Element {
    const fhir = useSession((session) => session.fhir);
    const me = useMe();
    const now = useNow();
    const [made, setMade] = useState<Made>();
    const [problem, setProblem] = useState<string>();
    const [turn, setTurn] = useState(0);
    useHolderWatch(role.id, me, onClose);
    useEffect(() => {
        let current = true;
        const make = async (): Promise<void> => {
            const answer = await fhir?.operation("HealthcareService", role.id, "handover-code");
            const found = readAll(ParametersSchema, [answer])[0]?.parameter ?? [];
            const code = found.find((one) => one.name === "code")?.valueString;
            // Counted from here: the clock of this device may be any other than the server's.
            const seconds = found.find((one) => one.name === "seconds")?.valueInteger;
            if (current && code !== undefined && seconds !== undefined)
                setMade({ code, until: Date.now() + seconds * 1000 });
        };
        make().catch((error: unknown) => {
            if (current)
                setProblem(
                    error instanceof FhirError ? t.role.failed(refusalWords(error)) : t.role.failedOffline,
                );
        });
        return () => {
            current = false;
        };
    }, [fhir, role.id, turn]);
    const left = made ? Math.max(0, Math.ceil((made.until - now) / 1000)) : undefined;
    const again = (): void => {
        setMade(undefined);
        setProblem(undefined);
        setTurn(turn + 1);
    };
    return (
        <Dialog title={t.role.codeTitle(role.name)} onClose={onClose}>
            <div className="form">
                <p>{t.role.codeBody}</p>
                {problem !== undefined && (
                    <p className="notice notice--error" role="alert">
                        {problem}
                    </p>
                )}
                {made && left !== undefined && left > 0 && (
                    <>
                        <Qr text={writeRoleCode({ roleId: role.id, code: made.code })} />
                        <p>
                            {t.role.codeTyped} <code className="code">{grouped(made.code)}</code>
                        </p>
                        <p className="muted" role="timer">
                            {t.role.codeLeft(left)}
                        </p>
                    </>
                )}
                {(problem !== undefined || left === 0) && (
                    <>
                        {left === 0 && <p role="status">{t.role.codeOver}</p>}
                        <button type="button" className="button button--primary" onClick={again}>
                            {t.role.codeAgain}
                        </button>
                    </>
                )}
            </div>
        </Dialog>
    );
}

/** Closes once somebody else holds the role: the code was scanned. */
function useHolderWatch(roleId: string, me: string, onTaken: () => void): void {
    const roles = useOnCall();
    const { refetch } = roles;
    const holder = roles.data?.find((one) => one.id === roleId)?.holder?.id;
    useEffect(() => {
        const timer = setInterval(() => void refetch(), 3_000);
        return () => clearInterval(timer);
    }, [refetch]);
    useEffect(() => {
        if (holder !== undefined && holder !== me) onTaken();
    }, [holder, me, onTaken]);
}

/** A QR code: always dark on white, whatever the colours of the screen are. */
function Qr({ text }: { text: string }): JSX.Element {
    const rows = modules(text);
    const path = rows
        .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
        .join("");
    return (
        <svg
            className="qr"
            viewBox={`0 0 ${rows.length} ${rows.length}`}
            shapeRendering="crispEdges"
            role="img"
            aria-label={t.role.codeImage}
        >
            <rect width={rows.length} height={rows.length} fill="#fff" />
            <path d={path} fill="#000" />
        </svg>
    );
}
