/** Pictures and files of conversations: their events, read as untrusted input, and their bytes, opened on this device. */
import * as v from "valibot";
import { decryptAttachment, type Bytes } from "./attachment-crypto.ts";

const short = v.pipe(v.string(), v.maxLength(512));
const size = v.optional(v.pipe(v.number(), v.minValue(0)));

const FileSchema = v.object({
    url: v.pipe(v.string(), v.regex(/^mxc:\/\/[\w.:[\]-]+\/[\w-]+$/)),
    key: v.object({ k: short }),
    iv: short,
    hashes: v.object({ sha256: short }),
});
export type EncryptedFile = v.InferOutput<typeof FileSchema>;

const MediaContentSchema = v.object({
    msgtype: v.picklist(["m.image", "m.file", "m.video", "m.audio"]),
    body: short,
    filename: v.optional(short),
    file: FileSchema,
    info: v.optional(
        v.object({
            mimetype: v.optional(short),
            size,
            w: size,
            h: size,
            thumbnail_file: v.optional(FileSchema),
            "xyz.amorgan.blurhash": v.optional(short),
        }),
        {},
    ),
});

/** An attachment that this browser can open. */
export interface Media {
    picture: boolean;
    name: string;
    caption: string;
    type: string;
    size?: number | undefined;
    width: number;
    height: number;
    blurhash?: string | undefined;
    file: EncryptedFile;
    thumbnail?: EncryptedFile | undefined;
}

/** Formats that every browser draws and that hold no script. */
const drawable = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);

/** The attachment in a message's content; `undefined` when it has none, or one that was not encrypted. */
export function mediaOf(content: unknown): Media | undefined {
    const result = v.safeParse(MediaContentSchema, content);
    if (!result.success) return undefined;
    const { msgtype, body, filename, file, info } = result.output;
    const type = info.mimetype ?? "application/octet-stream";
    return {
        picture: msgtype === "m.image" && drawable.has(type),
        name: filename ?? body,
        // With a file name of its own, the body is what was written about it.
        caption: filename !== undefined && filename !== body ? body : "",
        type,
        size: info.size,
        width: info.w ?? 4,
        height: info.h ?? 3,
        blurhash: info["xyz.amorgan.blurhash"],
        file,
        thumbnail: info.thumbnail_file,
    };
}

/** Decrypted files kept in memory, newest last; more are let go. */
const KEPT = 60;

export interface FetchOptions {
    signal?: AbortSignal;
    /** Told the share that has arrived, 0 to 1. */
    onProgress?: (share: number) => void;
}

/** Fetches and opens attachments. Nothing is written to disk; `fetcher` sends the session's token. */
export class MediaStore {
    private readonly pictures = new Map<string, Promise<string>>();

    constructor(private readonly fetcher: typeof globalThis.fetch) {}

    /** An address (`blob:`) for a picture, fetched once. */
    picture(file: EncryptedFile, type: string): Promise<string> {
        const known = this.pictures.get(file.url);
        if (known) return known;
        const safe = drawable.has(type) ? type : "image/jpeg";
        const made = this.open(file).then((bytes) => URL.createObjectURL(new Blob([bytes], { type: safe })));
        this.pictures.set(file.url, made);
        made.catch(() => this.pictures.delete(file.url));
        this.letGo();
        return made;
    }

    /** The bytes of a file, checked and decrypted. */
    async open(file: EncryptedFile, options: FetchOptions = {}): Promise<Bytes> {
        const [server, id] = file.url.slice("mxc://".length).split("/", 2);
        const path = `/_matrix/client/v1/media/download/${server}/${id}`;
        const response = await this.fetcher(path, options.signal ? { signal: options.signal } : {});
        if (!response.ok) throw new Error(`media ${response.status}`);
        return decryptAttachment(await readAll(response, options.onProgress), file);
    }

    private letGo(): void {
        for (const [url, made] of this.pictures) {
            if (this.pictures.size <= KEPT) return;
            this.pictures.delete(url);
            void made.then((address) => URL.revokeObjectURL(address)).catch(() => undefined);
        }
    }
}

async function readAll(response: Response, onProgress?: (share: number) => void): Promise<Bytes> {
    const total = Number(response.headers.get("Content-Length") ?? 0);
    if (!response.body || !onProgress || total === 0) return new Uint8Array(await response.arrayBuffer());
    const parts: Bytes[] = [];
    let loaded = 0;
    const reader = response.body.getReader();
    for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        parts.push(value);
        loaded += value.length;
        onProgress(Math.min(1, loaded / total));
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
}
