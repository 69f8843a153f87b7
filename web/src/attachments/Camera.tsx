import { useEffect, useRef, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";

/** The camera inside the app: the photo goes from the lens to the conversation and never into the phone's gallery. */
export function Camera({
    onPhoto,
    onClose,
}: {
    onPhoto: (canvas: HTMLCanvasElement) => void;
    onClose: () => void;
}): JSX.Element {
    const video = useRef<HTMLVideoElement>(null);
    const [state, setState] = useState<"starting" | "running" | "refused">("starting");
    useEffect(() => {
        let stream: MediaStream | undefined;
        let current = true;
        const start = async (): Promise<void> => {
            stream = await navigator.mediaDevices.getUserMedia({
                audio: false,
                video: { facingMode: "environment", width: { ideal: 1920 } },
            });
            if (!current) stream.getTracks().forEach((track) => track.stop());
            else if (video.current) {
                video.current.srcObject = stream;
                await video.current.play();
                setState("running");
            }
        };
        start().catch(() => current && setState("refused"));
        return () => {
            current = false;
            stream?.getTracks().forEach((track) => track.stop());
        };
    }, []);

    const take = (): void => {
        const source = video.current;
        if (!source) return;
        const size = { width: source.videoWidth, height: source.videoHeight };
        const canvas = Object.assign(document.createElement("canvas"), size);
        canvas.getContext("2d")?.drawImage(source, 0, 0);
        onPhoto(canvas);
    };
    return (
        <Dialog title={t.attachments.camera} onClose={onClose} wide>
            {state === "refused" ? (
                <p className="notice notice--warning" role="alert">
                    {t.attachments.noCamera}
                </p>
            ) : (
                <div className="camera">
                    <video ref={video} playsInline muted aria-label={t.attachments.viewfinder} />
                    <button
                        type="button"
                        className="button button--primary"
                        aria-disabled={state !== "running"}
                        onClick={() => state === "running" && take()}
                    >
                        {state === "running" ? t.attachments.take : t.attachments.starting}
                    </button>
                </div>
            )}
        </Dialog>
    );
}
