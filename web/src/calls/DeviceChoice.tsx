import { useEffect, useId, useState, type JSX, type RefObject } from "react";
import { t } from "../i18n/index.ts";
import type { Calls } from "./center.ts";

interface DeviceChoiceProps {
    calls: Calls;
    /** What plays the other's voice. */
    speaker: RefObject<HTMLVideoElement | null>;
    local: MediaStream | undefined;
}

/** The microphone, camera and speaker of a call. */
export function DeviceChoice({ calls, speaker, local }: DeviceChoiceProps): JSX.Element {
    const [all, setAll] = useState<MediaDeviceInfo[]>([]);
    const used = (kind: "audio" | "video"): string =>
        local
            ?.getTracks()
            .find((track) => track.kind === kind)
            ?.getSettings().deviceId ?? "";
    const [microphone, setMicrophone] = useState(() => used("audio"));
    const [camera, setCamera] = useState(() => used("video"));
    const [sink, setSink] = useState(() => speaker.current?.sinkId ?? "");
    useEffect(() => {
        const look = (): void => {
            void navigator.mediaDevices.enumerateDevices().then(setAll, () => undefined);
        };
        look();
        navigator.mediaDevices.addEventListener("devicechange", look);
        return () => navigator.mediaDevices.removeEventListener("devicechange", look);
    }, []);
    const choose = (nextMicrophone: string, nextCamera: string): void => {
        setMicrophone(nextMicrophone);
        setCamera(nextCamera);
        void calls.chooseDevices(nextMicrophone, nextCamera).catch(() => undefined);
    };
    const speak = (id: string): void => {
        setSink(id);
        void speaker.current?.setSinkId?.(id).catch(() => undefined);
    };
    const speakers =
        all.some(({ kind }) => kind === "audiooutput") && "setSinkId" in HTMLMediaElement.prototype;
    return (
        <div className="info">
            <Devices
                label={t.calls.microphone}
                devices={all.filter(({ kind }) => kind === "audioinput")}
                value={microphone}
                onChange={(id) => choose(id, camera)}
            />
            <Devices
                label={t.calls.camera}
                devices={all.filter(({ kind }) => kind === "videoinput")}
                value={camera}
                onChange={(id) => choose(microphone, id)}
            />
            {speakers && (
                <Devices
                    label={t.calls.speaker}
                    devices={all.filter(({ kind }) => kind === "audiooutput")}
                    value={sink}
                    onChange={speak}
                />
            )}
        </div>
    );
}

interface DevicesProps {
    label: string;
    devices: readonly MediaDeviceInfo[];
    value: string;
    onChange: (id: string) => void;
}

function Devices({ label, devices, value, onChange }: DevicesProps): JSX.Element {
    const id = useId();
    const named = devices.filter(({ deviceId }) => deviceId !== "");
    const known = named.some(({ deviceId }) => deviceId === value);
    return (
        <p>
            <label htmlFor={id}>{label}</label>
            <select id={id} value={known ? value : ""} onChange={(event) => onChange(event.target.value)}>
                {!known && <option value="">{t.calls.usual}</option>}
                {named.map((device) => (
                    <option key={device.deviceId} value={device.deviceId}>
                        {device.label || label}
                    </option>
                ))}
            </select>
        </p>
    );
}
