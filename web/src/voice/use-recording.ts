import { useCallback, useEffect, useRef, useState } from "react";
import { LONGEST_MS, VoiceRecorder, type Recorded } from "./recorder.ts";

/** Where a recording stands. */
export type Recording =
    | { step: "idle"; problem?: "short" | "refused" | "full" | undefined }
    | { step: "starting" }
    | { step: "recording"; durationMs: number; levels: number[]; full: boolean }
    | { step: "sending" };

/** So many of the last levels are drawn while somebody speaks. */
const DRAWN = 48;

interface Controls {
    recording: Recording;
    start: () => void;
    /** Ends and sends. */
    send: () => void;
    cancel: () => void;
}

/** Records a voice note; `onRecorded` takes it on. Whoever leaves the conversation while speaking has not sent it. */
export function useRecording(onRecorded: (recorded: Recorded) => Promise<void>): Controls {
    const [recording, setRecording] = useState<Recording>({ step: "idle" });
    const running = useRef<Promise<VoiceRecorder>>(undefined);

    const cancel = useCallback(() => {
        void running.current?.then(
            (recorder) => recorder.cancel(),
            () => undefined,
        );
        running.current = undefined;
        setRecording({ step: "idle" });
    }, []);
    useEffect(() => cancel, [cancel]);

    const start = useCallback(() => {
        setRecording({ step: "starting" });
        const begun = VoiceRecorder.start((level, durationMs) =>
            setRecording((now) => {
                const levels = now.step === "recording" ? now.levels : [];
                if (running.current !== begun || (now.step !== "recording" && now.step !== "starting"))
                    return now;
                const full = durationMs >= LONGEST_MS;
                return { step: "recording", durationMs, levels: [...levels.slice(1 - DRAWN), level], full };
            }),
        );
        running.current = begun;
        begun.catch(() => {
            if (running.current !== begun) return;
            running.current = undefined;
            setRecording({ step: "idle", problem: "refused" });
        });
    }, []);

    const send = useCallback(() => {
        const begun = running.current;
        if (!begun) return;
        running.current = undefined;
        setRecording({ step: "sending" });
        const finish = async (): Promise<void> => {
            const recorded = await (await begun).finish();
            if (!recorded) {
                setRecording({ step: "idle", problem: "short" });
                return;
            }
            const kept = await onRecorded(recorded).then(
                () => true,
                () => false,
            );
            setRecording({ step: "idle", problem: kept ? undefined : "full" });
        };
        finish().catch(() => setRecording({ step: "idle", problem: "refused" }));
    }, [onRecorded]);

    return { recording, start, send, cancel };
}
