import { useEffect, useRef, useState, type JSX, type ReactNode, type RefObject } from "react";
import { useStaff } from "../fhir/queries.ts";
import { t } from "../i18n/index.ts";
import { localpart, nameOf } from "../matrix/rooms.ts";
import { useClient, useSession } from "../session/store.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { Icon, type IconName } from "../ui/Icon.tsx";
import { Avatar, useNow } from "../ui/parts.tsx";
import { minutes } from "../voice/waveform.ts";
import { useCalls, type Calls, type Ongoing } from "./center.ts";
import { DeviceChoice } from "./DeviceChoice.tsx";
import { ring } from "./ring.ts";

/** The call of this device, whatever else is on the screen. */
export default function CallScreen(): JSX.Element | null {
    const call = useCalls((all) => all.call);
    const calls = useSession((session) => session.calls);
    const client = useClient();
    const { data: staff } = useStaff();
    const step = call?.step;
    useEffect(() => {
        if (step !== "incoming" && step !== "ringing") return undefined;
        return ring(step === "incoming");
    }, [step]);
    if (!call || !calls) return null;
    const name = staff?.get(localpart(call.userId))?.name ?? nameOf(client.getRoom(call.roomId), call.userId);
    if (call.step === "incoming") return <Incoming call={call} calls={calls} name={name} />;
    return <Running call={call} calls={calls} name={name} />;
}

interface PartProps {
    call: Ongoing;
    calls: Calls;
    name: string;
}

/** Somebody calls. Escape declines nothing: only an answer or the end of the ringing takes it away. */
function Incoming({ call, calls, name }: PartProps): JSX.Element {
    const element = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const dialog = element.current;
        dialog?.showModal();
        return () => dialog?.close();
    }, []);
    const answer = (video: boolean): void => void calls.answer(video).catch(() => undefined);
    return (
        <dialog
            ref={element}
            role="alertdialog"
            className="dialog call-in"
            aria-label={t.calls.incoming(name, call.video)}
            onCancel={(event) => event.preventDefault()}
        >
            <Avatar name={name} />
            <p className="call-in__who">{t.calls.incoming(name, call.video)}</p>
            <div className="call-in__choices">
                <button type="button" className="button button--danger" onClick={() => calls.decline()}>
                    {t.calls.decline}
                </button>
                {call.video && (
                    <button type="button" className="button" onClick={() => answer(false)}>
                        {t.calls.answerVoice}
                    </button>
                )}
                <button
                    type="button"
                    className="button button--primary"
                    autoFocus
                    onClick={() => answer(call.video)}
                >
                    {call.video ? t.calls.answerVideo : t.calls.answer}
                </button>
            </div>
        </dialog>
    );
}

/** A call under way, large or small. Its sound goes on whichever it is. */
function Running({ call, calls, name }: PartProps): JSX.Element {
    const video = useRef<HTMLVideoElement>(null);
    const [devices, setDevices] = useState(false);
    useStream(video, call.remote);
    const seen = call.otherCamera && !call.heldByOther;
    const small = (now: boolean): void => useCalls.setState({ call: { ...call, small: now } });
    const classes = ["call", call.small && "call--small", seen && "call--seen"].filter(Boolean).join(" ");
    return (
        <section className={classes} aria-label={t.calls.label(name)}>
            <video
                ref={video}
                className="call__other"
                autoPlay
                playsInline
                hidden={!seen}
                aria-label={t.calls.otherPicture(name)}
            />
            {!seen && !call.small && (
                <div className="call__avatar">
                    <Avatar name={name} />
                </div>
            )}
            <div className="call__head">
                <p>
                    <strong>{name}</strong>
                    <StateLine call={call} />
                </p>
                {call.small ? (
                    <Round icon="next" label={t.calls.back(name)} onClick={() => small(false)} />
                ) : (
                    <Round icon="minus" label={t.calls.minimise} onClick={() => small(true)} />
                )}
                {call.small && (
                    <Round icon="phone" danger label={t.calls.hangUp} onClick={() => calls.hangUp()} />
                )}
            </div>
            {call.local && call.camera && !call.small && <OwnPicture stream={call.local} />}
            {!call.small && (
                <div className="call__buttons" role="group" aria-label={t.calls.label(name)}>
                    <Toggle
                        icon="microphone"
                        on={call.muted}
                        label={call.muted ? t.calls.unmute : t.calls.mute}
                        onClick={() => void calls.setMuted(!call.muted)}
                    />
                    <Toggle
                        icon="video"
                        on={!call.camera}
                        label={call.camera ? t.calls.cameraOff : t.calls.cameraOn}
                        onClick={() => void calls.setCamera(!call.camera)}
                    />
                    <Toggle
                        icon="pause"
                        on={call.held}
                        label={call.held ? t.calls.resume : t.calls.hold}
                        onClick={() => call.step === "connected" && calls.setHold(!call.held)}
                    />
                    <Toggle icon="more" on={false} label={t.calls.devices} onClick={() => setDevices(true)} />
                    {seen && document.pictureInPictureEnabled && (
                        <Toggle
                            icon="picture"
                            on={false}
                            label={t.calls.pictureInPicture}
                            onClick={() => void float(video.current)}
                        />
                    )}
                    <Toggle
                        icon="phone"
                        on={false}
                        danger
                        label={t.calls.hangUp}
                        onClick={() => (call.step === "ended" ? calls.dismiss() : calls.hangUp())}
                    />
                </div>
            )}
            {devices && (
                <Dialog title={t.calls.devicesTitle} onClose={() => setDevices(false)}>
                    <DeviceChoice calls={calls} speaker={video} local={call.local} />
                </Dialog>
            )}
        </section>
    );
}

/** Where the call stands, or how long it has lasted. */
function StateLine({ call }: { call: Ongoing }): JSX.Element {
    const now = useNow();
    let words: ReactNode = t.calls.states[call.step];
    if (call.step === "ended" && call.ending) words = t.calls.endings[call.ending];
    else if (call.held) words = t.calls.states.held;
    else if (call.heldByOther) words = t.calls.states.heldByOther;
    const lasting = call.step === "connected" && call.since !== undefined && !call.held && !call.heldByOther;
    return (
        <>
            <span className={lasting ? "visually-hidden" : "call__state"} role="status">
                {words}
            </span>
            {lasting && (
                <span className="call__state" role="timer">
                    {minutes(now - (call.since ?? now))}
                </span>
            )}
        </>
    );
}

function OwnPicture({ stream }: { stream: MediaStream }): JSX.Element {
    const video = useRef<HTMLVideoElement>(null);
    useStream(video, stream);
    return (
        <video ref={video} className="call__own" autoPlay playsInline muted aria-label={t.calls.ownPicture} />
    );
}

function useStream(element: RefObject<HTMLVideoElement | null>, stream: MediaStream | undefined): void {
    useEffect(() => attach(element.current, stream), [element, stream]);
}

function attach(video: HTMLVideoElement | null, stream: MediaStream | undefined): void {
    if (video && video.srcObject !== (stream ?? null)) video.srcObject = stream ?? null;
}

async function float(video: HTMLVideoElement | null): Promise<void> {
    try {
        if (document.pictureInPictureElement) await document.exitPictureInPicture();
        else await video?.requestPictureInPicture();
    } catch {
        // The browser does not allow it now; the picture stays where it is.
    }
}

interface RoundProps {
    icon: IconName;
    label: string;
    danger?: boolean;
    onClick: () => void;
}

function Round({ icon, label, danger = false, onClick }: RoundProps): JSX.Element {
    return (
        <button
            type="button"
            className={danger ? "icon-button call__hang-up" : "icon-button"}
            aria-label={label}
            onClick={onClick}
        >
            <Icon name={icon} />
        </button>
    );
}

/** A round button with its word below. */
function Toggle({ icon, label, on, danger = false, onClick }: RoundProps & { on: boolean }): JSX.Element {
    return (
        <button
            type="button"
            className={`call__button${on ? " call__button--on" : ""}${danger ? " call__button--danger" : ""}`}
            onClick={onClick}
        >
            <span className="call__round">
                <Icon name={icon} />
            </span>
            {label}
        </button>
    );
}
