import { useEffect, useId, useRef, useState, type FormEvent, type JSX, type RefObject } from "react";
import { useLocation } from "wouter";
import { useOnCall } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { pagePath } from "../paths.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { readRoleCode, typed, type RoleCode } from "./code.ts";
import { look } from "./qr.ts";
import { useRoleAction } from "./use-role-action.ts";

/** How often the camera's picture is looked at, in milliseconds. */
const LOOK_EVERY = 250;

/** Takes a role over by the code that its holder shows: by the camera, or typed. */
export function ScanCode({ roleId, onClose }: { roleId?: string; onClose: () => void }): JSX.Element {
    const [found, setFound] = useState<RoleCode>();
    return (
        <Dialog title={t.role.scanTitle} onClose={onClose}>
            {found ? (
                <TakeOver code={found} onClose={onClose} onAgain={() => setFound(undefined)} />
            ) : (
                <Scan roleId={roleId} onFound={setFound} />
            )}
        </Dialog>
    );
}

/** The camera's picture, and what it sees. */
function useScanner(onFound: (code: RoleCode) => void): {
    video: RefObject<HTMLVideoElement | null>;
    refused: boolean;
} {
    const video = useRef<HTMLVideoElement>(null);
    const [refused, setRefused] = useState(false);
    useEffect(() => {
        let stream: MediaStream | undefined;
        let timer: ReturnType<typeof setTimeout> | undefined;
        let current = true;
        const watch = async (): Promise<void> => {
            const seen = video.current ? await look(video.current) : undefined;
            const code = seen === undefined ? undefined : readRoleCode(seen);
            if (!current) return;
            if (code) onFound(code);
            else timer = setTimeout(() => void watch(), LOOK_EVERY);
        };
        const start = async (): Promise<void> => {
            stream = await navigator.mediaDevices.getUserMedia({
                audio: false,
                video: { facingMode: "environment", width: { ideal: 1280 } },
            });
            if (!current) {
                stream.getTracks().forEach((track) => track.stop());
                return;
            }
            if (!video.current) return;
            video.current.srcObject = stream;
            await video.current.play();
            await watch();
        };
        start().catch(() => current && setRefused(true));
        return () => {
            current = false;
            clearTimeout(timer);
            stream?.getTracks().forEach((track) => track.stop());
        };
    }, [onFound]);
    return { video, refused };
}

function Scan(props: { roleId: string | undefined; onFound: (code: RoleCode) => void }): JSX.Element {
    const { roleId, onFound } = props;
    const { data: roles } = useOnCall();
    const { video, refused } = useScanner(onFound);
    const [role, setRole] = useState(roleId ?? "");
    const [text, setText] = useState("");
    const [missing, setMissing] = useState(false);
    const id = useId();
    const submit = (event: FormEvent): void => {
        event.preventDefault();
        const code = typed(text);
        const wrong = code === "" || role === "";
        setMissing(wrong);
        if (!wrong) onFound({ roleId: role, code });
    };
    return (
        <div className="form">
            {refused ? (
                <p className="notice notice--warning" role="alert">
                    {t.role.scanNoCamera}
                </p>
            ) : (
                <>
                    <p>{t.role.scanBody}</p>
                    <video
                        ref={video}
                        className="viewfinder"
                        playsInline
                        muted
                        aria-label={t.attachments.viewfinder}
                    />
                </>
            )}
            <form className="form" noValidate onSubmit={submit}>
                {roleId === undefined && (
                    <div className="field">
                        <label htmlFor={`${id}-role`}>{t.role.title}</label>
                        <select
                            id={`${id}-role`}
                            value={role}
                            onChange={(event) => setRole(event.target.value)}
                        >
                            <option value="">{t.role.scanChoose}</option>
                            {roles?.map((one) => (
                                <option key={one.id} value={one.id}>
                                    {one.name}
                                </option>
                            ))}
                        </select>
                    </div>
                )}
                <div className={missing ? "field field--wrong" : "field"}>
                    <label htmlFor={id}>{t.role.scanType}</label>
                    {missing && (
                        <p id={`${id}-missing`} className="field-error" role="alert">
                            {t.role.scanMissing}
                        </p>
                    )}
                    <input
                        id={id}
                        value={text}
                        autoComplete="off"
                        autoCapitalize="off"
                        spellCheck={false}
                        aria-invalid={missing}
                        aria-describedby={missing ? `${id}-missing` : undefined}
                        onChange={(event) => setText(event.target.value)}
                    />
                </div>
                <button type="submit" className="button">
                    {t.role.scanUse}
                </button>
            </form>
        </div>
    );
}

/** One question before a role is taken over: which it is was scanned, not chosen. */
function TakeOver(props: { code: RoleCode; onClose: () => void; onAgain: () => void }): JSX.Element {
    const { code, onClose, onAgain } = props;
    const { data: roles } = useOnCall();
    const [, navigate] = useLocation();
    const { act, busy, problem } = useRoleAction(code.roleId);
    const name = roles?.find((one) => one.id === code.roleId)?.name ?? code.roleId;
    const take = async (): Promise<void> => {
        if (!(await act("take-over", { code: code.code }))) return;
        onClose();
        navigate(pagePath("on-call", "handover", code.roleId));
    };
    return (
        <div className="form">
            <p>
                <strong>{t.role.scanConfirm(name)}</strong>
            </p>
            <p>{t.role.takeBody(name)}</p>
            {problem !== undefined && (
                <p className="notice notice--error" role="alert">
                    {problem}
                </p>
            )}
            <div className="actions__row">
                <button
                    type="button"
                    className="button button--primary"
                    aria-disabled={busy}
                    onClick={() => void take()}
                >
                    {t.role.scanTake}
                </button>
                <button type="button" className="button" onClick={onAgain}>
                    {t.app.back}
                </button>
            </div>
        </div>
    );
}
