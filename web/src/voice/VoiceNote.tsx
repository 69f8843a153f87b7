import { useEffect, useMemo, useRef, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { Media } from "../matrix/media.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import type { Sound } from "./content.ts";
import { goTo, measured, nextRate, playFrom, setRate, usePlayer } from "./player.ts";
import { bars, minutes } from "./waveform.ts";

const BARS = 40;

/** A voice note, or another sound, in a message: played here, at one of three speeds. One plays at a time. */
export function VoiceNote({ media, sound }: { media: Media; sound: Sound }): JSX.Element {
    const name = sound.voice ? t.voice.name : media.name;
    const player = usePlayback(media, sound);
    const { state, position, duration, toggle, seek } = player;
    const rate = usePlayer((all) => all.rate);
    const heights = useMemo(() => bars(sound.waveform, BARS), [sound.waveform]);
    const share = duration > 0 ? position / duration : 0;
    return (
        <div className="voice">
            <button
                type="button"
                className="icon-button voice__play"
                aria-label={state === "playing" ? t.voice.pause(name) : t.voice.play(name)}
                onClick={toggle}
            >
                <Icon name={state === "playing" ? "pause" : state === "fetching" ? "close" : "play"} />
            </button>
            <div className="voice__body">
                {!sound.voice && <strong className="voice__name">{name}</strong>}
                <div className="voice__wave">
                    <svg viewBox={`0 0 ${BARS * 4} 32`} preserveAspectRatio="none" aria-hidden="true">
                        {heights.map((height, index) => (
                            <rect
                                key={index}
                                className={index < share * BARS ? "voice__heard" : undefined}
                                x={index * 4}
                                y={16 - Math.max(1.5, height * 15)}
                                width={2.5}
                                height={Math.max(3, height * 30)}
                                rx={1}
                            />
                        ))}
                    </svg>
                    <input
                        type="range"
                        min={0}
                        max={Math.max(1, Math.round(duration))}
                        step={1000}
                        value={Math.round(position)}
                        aria-label={t.voice.position}
                        aria-valuetext={t.voice.at(minutes(position), minutes(duration))}
                        onChange={(event) => seek(Number(event.target.value))}
                    />
                </div>
                <span className="voice__foot">
                    <span className="muted">
                        {state === "idle" && position === 0 ? minutes(duration) : minutes(position)}
                    </span>
                    {state === "failed" && (
                        <span className="field-error" role="alert">
                            {t.voice.failed}
                        </span>
                    )}
                    {state === "fetching" && (
                        <progress value={player.share} max={1} aria-label={t.voice.fetching} />
                    )}
                </span>
            </div>
            <button
                type="button"
                className="voice__rate"
                aria-label={t.voice.speed(String(rate))}
                onClick={() => usePlayer.setState({ rate: nextRate(rate) })}
            >
                {t.voice.rate(rate)}
            </button>
        </div>
    );
}

interface Playback {
    state: "idle" | "fetching" | "playing" | "failed";
    /** Milliseconds. */
    position: number;
    duration: number;
    /** Of the download, 0 to 1. */
    share: number;
    toggle: () => void;
    seek: (milliseconds: number) => void;
}

function usePlayback(media: Media, sound: Sound): Playback {
    const store = useSession((session) => session.media);
    const rate = usePlayer((all) => all.rate);
    const playing = usePlayer((all) => all.playing);
    const [me] = useState(() => Symbol("a player"));
    const [state, setState] = useState<Playback["state"]>("idle");
    const [position, setPosition] = useState(0);
    const [measuredMs, setMeasured] = useState<number>();
    const [share, setShare] = useState(0);
    const audio = useRef<HTMLAudioElement>(undefined);
    const fetching = useRef<AbortController>(undefined);

    useEffect(() => {
        if (audio.current) setRate(audio.current, rate);
    }, [rate]);
    useEffect(() => {
        // Another one began.
        if (playing !== me) audio.current?.pause();
    }, [playing, me]);
    useEffect(
        () => () => {
            audio.current?.pause();
            fetching.current?.abort();
        },
        [],
    );

    const load = async (): Promise<HTMLAudioElement | undefined> => {
        const controller = new AbortController();
        fetching.current = controller;
        setState("fetching");
        setShare(0);
        const address = await store?.sound(media.file, media.type, {
            signal: controller.signal,
            onProgress: setShare,
        });
        if (address === undefined || controller.signal.aborted) return undefined;
        const made = new Audio(address);
        await measured(made);
        made.addEventListener("timeupdate", () => setPosition(made.currentTime * 1000));
        made.addEventListener("pause", () => setState("idle"));
        made.addEventListener("play", () => setState("playing"));
        made.addEventListener("ended", () => {
            made.currentTime = 0;
            setPosition(0);
        });
        setMeasured(made.duration * 1000);
        audio.current = made;
        return made;
    };
    const play = async (): Promise<void> => {
        const ready = audio.current ?? (await load());
        if (!ready) {
            setState("idle");
            return;
        }
        usePlayer.setState({ playing: me });
        await playFrom(ready, rate, position);
    };
    const toggle = (): void => {
        if (state === "playing") audio.current?.pause();
        else if (state === "fetching") {
            fetching.current?.abort();
            setState("idle");
        } else play().catch(() => setState(fetching.current?.signal.aborted === true ? "idle" : "failed"));
    };
    const seek = (milliseconds: number): void => {
        setPosition(milliseconds);
        if (audio.current) goTo(audio.current, milliseconds);
    };
    const duration = measuredMs ?? sound.durationMs ?? 0;
    return { state, position, duration, share, toggle, seek };
}
