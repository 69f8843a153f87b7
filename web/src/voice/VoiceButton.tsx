import {
    useCallback,
    useEffect,
    useRef,
    useState,
    type JSX,
    type MouseEvent,
    type PointerEvent,
} from "react";
import { t } from "../i18n/index.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { voiceContent } from "./content.ts";
import type { Recorded } from "./recorder.ts";
import { useRecording, type Recording } from "./use-recording.ts";
import { minutes } from "./waveform.ts";

/** Held for this long, letting go sends. */
const HOLD_MS = 400;
/** Slid this far away, letting go deletes. */
const AWAY_PX = 70;

interface VoiceButtonProps {
    roomId: string;
    onSent: () => void;
    /** Told when a recording begins and ends: until then this button must stay. */
    onActive: (active: boolean) => void;
}

interface Hold {
    x: number;
    since: number;
}

/**
 * Records a voice note: a tap begins and the next one sends; held down, letting go sends and sliding away deletes. With a
 * keyboard Enter begins and sends, Escape deletes.
 */
export function VoiceButton({ roomId, onSent, onActive }: VoiceButtonProps): JSX.Element {
    const outbox = useSession((session) => session.outbox);
    const take = useCallback(
        async (recorded: Recorded): Promise<void> => {
            const content = voiceContent(recorded, t.voice.name);
            await outbox?.add({ roomId, type: "m.room.message", content }, { full: recorded.blob });
            onSent();
        },
        [outbox, roomId, onSent],
    );
    const { recording, start, send, cancel } = useRecording(take);
    const [hold, setHold] = useState<Hold>();
    const [away, setAway] = useState(false);
    const begunByPointer = useRef(false);
    const active = recording.step === "recording" || recording.step === "starting";

    const busy = recording.step !== "idle";
    useEffect(() => onActive(busy), [onActive, busy]);

    useEffect(() => {
        if (!active) return undefined;
        const key = (event: KeyboardEvent): void => {
            if (event.key !== "Escape") return;
            event.preventDefault();
            cancel();
        };
        document.addEventListener("keydown", key);
        return () => document.removeEventListener("keydown", key);
    }, [active, cancel]);

    const down = (event: PointerEvent<HTMLButtonElement>): void => {
        begunByPointer.current = recording.step === "idle";
        if (recording.step !== "idle" || event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setHold({ x: event.clientX, since: event.timeStamp });
        setAway(false);
        start();
    };
    const move = (event: PointerEvent<HTMLButtonElement>): void => {
        if (hold) setAway(Math.abs(event.clientX - hold.x) > AWAY_PX);
    };
    const up = (event: PointerEvent<HTMLButtonElement>): void => {
        if (!hold) return;
        setHold(undefined);
        if (away) cancel();
        else if (event.timeStamp - hold.since >= HOLD_MS) send();
    };
    const click = (event: MouseEvent<HTMLButtonElement>): void => {
        // The click that ends the press with which the recording began.
        if (event.detail > 0 && begunByPointer.current) {
            begunByPointer.current = false;
            return;
        }
        if (recording.step === "idle") start();
        else if (active) send();
    };
    const words = { short: t.voice.tooShort, refused: t.voice.refused };
    return (
        <>
            {active && (
                <RecordingBar recording={recording} held={hold !== undefined} away={away} onCancel={cancel} />
            )}
            {recording.step === "idle" && recording.problem !== undefined && (
                <p className="voice-problem" role="alert">
                    {recording.problem === "full" ? t.outbox.full : words[recording.problem]}
                </p>
            )}
            <button
                type="button"
                className={active ? "icon-button composer__send voice-button" : "icon-button voice-button"}
                aria-label={active ? t.voice.send : t.voice.record}
                title={active ? t.voice.send : t.voice.hint}
                aria-disabled={recording.step === "sending"}
                onPointerDown={down}
                onPointerMove={move}
                onPointerUp={up}
                onPointerCancel={() => setHold(undefined)}
                onContextMenu={(event) => event.preventDefault()}
                onClick={click}
            >
                <Icon name={active && !hold ? "send" : "microphone"} />
            </button>
        </>
    );
}

interface BarProps {
    recording: Recording;
    held: boolean;
    away: boolean;
    onCancel: () => void;
}

/** What stands in the composer's place while somebody speaks. */
function RecordingBar({ recording, held, away, onCancel }: BarProps): JSX.Element {
    const running = recording.step === "recording" ? recording : undefined;
    const hint = away ? t.voice.releaseToDelete : held ? t.voice.release : undefined;
    return (
        <div className="voice-bar" role="group" aria-label={t.voice.recording}>
            <button type="button" className="icon-button" aria-label={t.voice.cancel} onClick={onCancel}>
                <Icon name="delete" />
            </button>
            <span className="voice-bar__light" aria-hidden="true" />
            <span className="voice-bar__time" role="timer">
                {running ? minutes(running.durationMs) : "0:00"}
            </span>
            {hint === undefined ? (
                <svg
                    className="voice-bar__levels"
                    viewBox="0 0 144 32"
                    preserveAspectRatio="none"
                    aria-hidden="true"
                >
                    {running?.levels.map((level, index) => {
                        const height = Math.max(2, Math.min(1, level * 2) * 30);
                        return (
                            <rect key={index} x={index * 3} y={16 - height / 2} width={2} height={height} />
                        );
                    })}
                </svg>
            ) : (
                <span className="voice-bar__hint">{hint}</span>
            )}
            <span className="visually-hidden" role="status">
                {running?.full === true && t.voice.full}
                {!running && t.voice.starting}
                {running?.full === false && t.voice.recording}
            </span>
        </div>
    );
}
