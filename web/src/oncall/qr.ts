/** QR codes drawn and read; fetched only when somebody hands a role over. */
import encodeQR from "qr";
import decodeQR from "qr/decode.js";

/** The modules of a QR code, dark is true; a quiet border around them. */
export function modules(text: string): boolean[][] {
    return encodeQR(text, "raw", { ecc: "medium", border: 2 });
}

/** What a picture says, if there is a QR code in it. */
export function decode(picture: ImageData): string | undefined {
    try {
        return decodeQR({ width: picture.width, height: picture.height, data: picture.data });
    } catch {
        // None is in sight, or not all of it.
        return undefined;
    }
}

/** What a camera shows, if there is a QR code in it: by the browser itself where it can. */
export async function look(video: HTMLVideoElement): Promise<string | undefined> {
    const detector = browserDetector();
    if (detector) {
        const found = await detector.detect(video).catch(() => []);
        return found[0]?.rawValue;
    }
    // Codes are shown large: half a megapixel is enough, and quick.
    const scale = Math.min(1, 800 / Math.max(video.videoWidth, video.videoHeight, 1));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context || canvas.width === 0 || canvas.height === 0) return undefined;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    return decode(context.getImageData(0, 0, canvas.width, canvas.height));
}

interface Detector {
    detect: (source: HTMLVideoElement) => Promise<{ rawValue: string }[]>;
}

/** The browser's own reader, where it has one (<https://developer.mozilla.org/docs/Web/API/BarcodeDetector>). */
function browserDetector(): Detector | undefined {
    const Native = (globalThis as { BarcodeDetector?: new (options: { formats: string[] }) => Detector })
        .BarcodeDetector;
    return Native && new Native({ formats: ["qr_code"] });
}
