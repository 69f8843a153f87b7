import { decode, isBlurhashValid } from "blurhash";
import { useEffect, useRef, type JSX } from "react";

/** The colours of a picture before it is there. */
export function Placeholder({ hash }: { hash: string | undefined }): JSX.Element {
    const canvas = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        const context = canvas.current?.getContext("2d");
        if (!context || hash === undefined || !isBlurhashValid(hash).result) return;
        context.putImageData(new ImageData(new Uint8ClampedArray(decode(hash, 32, 32)), 32, 32), 0, 0);
    }, [hash]);
    return <canvas ref={canvas} width={32} height={32} aria-hidden="true" />;
}
