/** Makes a picture fit to be sent: drawn anew, so that nothing but the pixels is left of it. */
import { encode } from "blurhash";

const FULL_EDGE = 2048;
const THUMBNAIL_EDGE = 480;
const HASH_EDGE = 32;
const JPEG = "image/jpeg";

/** `width` by `height`, made smaller in proportion until no edge is longer than `edge`. Whole pixels, at least one. */
export function fitted(width: number, height: number, edge: number): { width: number; height: number } {
    const scale = Math.min(1, edge / Math.max(width, height, 1));
    return {
        width: Math.max(1, Math.round(width * scale)),
        height: Math.max(1, Math.round(height * scale)),
    };
}

/** A canvas with the picture on it, turned the right way up, on white. Throws when the browser cannot read it. */
export async function onCanvas(picture: Blob): Promise<HTMLCanvasElement> {
    const bitmap = await createImageBitmap(picture, { imageOrientation: "from-image" });
    const canvas = drawn(bitmap, fitted(bitmap.width, bitmap.height, FULL_EDGE));
    bitmap.close();
    return canvas;
}

function drawn(source: CanvasImageSource, size: { width: number; height: number }): HTMLCanvasElement {
    const canvas = Object.assign(document.createElement("canvas"), size);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, size.width, size.height);
    context.drawImage(source, 0, 0, size.width, size.height);
    return canvas;
}

function jpeg(canvas: HTMLCanvasElement, quality: number): Promise<Blob> {
    return new Promise((resolve, reject) => {
        canvas.toBlob(
            (blob) => (blob ? resolve(blob) : reject(new Error("the picture could not be written"))),
            JPEG,
            quality,
        );
    });
}

export interface PreparedPicture {
    full: Blob;
    thumbnail: Blob;
    /** `info` of the event, without what is known only after the upload. */
    info: Record<string, unknown>;
}

/** The files and the description of what stands on `canvas`, mark-up included. */
export async function prepared(canvas: HTMLCanvasElement): Promise<PreparedPicture> {
    const small = drawn(canvas, fitted(canvas.width, canvas.height, THUMBNAIL_EDGE));
    const [full, thumbnail] = await Promise.all([jpeg(canvas, 0.86), jpeg(small, 0.7)]);
    const tiny = drawn(canvas, fitted(canvas.width, canvas.height, HASH_EDGE));
    const pixels = tiny.getContext("2d")?.getImageData(0, 0, tiny.width, tiny.height).data;
    const info = {
        mimetype: JPEG,
        size: full.size,
        w: canvas.width,
        h: canvas.height,
        thumbnail_info: { mimetype: JPEG, size: thumbnail.size, w: small.width, h: small.height },
        ...(pixels && { "xyz.amorgan.blurhash": encode(pixels, tiny.width, tiny.height, 4, 3) }),
    };
    return { full, thumbnail, info };
}
