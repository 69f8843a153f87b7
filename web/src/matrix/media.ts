/** Pictures and files of conversations: their events, read as untrusted input, and their bytes, opened on this device. */
import * as v from "valibot";
import { soundOf, type Sound } from "../voice/content.ts";
import { decryptAttachment, type Bytes } from "./attachment-crypto.ts";
import { Download, type DownloadOptions } from "./download.ts";

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
            duration: size,
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
    /** Set where it is a sound that browsers play. */
    sound?: Sound | undefined;
    /** A document that is shown page by page. */
    pages: boolean;
}

/** Formats that every browser draws and that hold no script. */
const drawable = new Set(["image/jpeg", "image/png", "image/webp", "image/gif"]);

/** Formats of sound. */
const playable = new Set([
    "audio/ogg",
    "audio/webm",
    "audio/mp4",
    "audio/mpeg",
    "audio/aac",
    "audio/wav",
    "audio/x-wav",
]);

/** The largest document that is opened here; larger ones are handed to the device. */
const LARGEST_DOCUMENT = 50_000_000;

function heard(
    msgtype: string,
    type: string,
    content: unknown,
    duration: number | undefined,
): Sound | undefined {
    if (msgtype !== "m.audio" || !playable.has(type)) return undefined;
    const sound = soundOf(content);
    return { ...sound, durationMs: sound.durationMs ?? duration };
}

/** The attachment in a message's content; `undefined` when it has none, or one that was not encrypted. */
export function mediaOf(content: unknown): Media | undefined {
    const result = v.safeParse(MediaContentSchema, content);
    if (!result.success) return undefined;
    const { msgtype, body, filename, file, info } = result.output;
    const type = (info.mimetype ?? "application/octet-stream").split(";", 1)[0]?.trim().toLowerCase() ?? "";
    const sound = heard(msgtype, type, content, info.duration);
    return {
        picture: msgtype === "m.image" && drawable.has(type),
        name: filename ?? body,
        // With a file name of its own, the body is what was written about it.
        caption: filename !== undefined && filename !== body && sound?.voice !== true ? body : "",
        type,
        size: info.size,
        width: info.w ?? 4,
        height: info.h ?? 3,
        blurhash: info["xyz.amorgan.blurhash"],
        file,
        thumbnail: info.thumbnail_file,
        sound,
        pages: type === "application/pdf" && (info.size ?? 0) <= LARGEST_DOCUMENT,
    };
}

/** Decrypted files kept in memory, newest last; more are let go. */
const KEPT = 60;

/** Downloads that broke off and may be gone on with. */
const UNFINISHED = 4;

/** Fetches and opens attachments. Nothing is written to disk; `fetcher` sends the session's token. */
export class MediaStore {
    private readonly addresses = new Map<string, Promise<string>>();
    private readonly unfinished = new Map<string, Download>();

    constructor(private readonly fetcher: typeof globalThis.fetch) {}

    /** An address (`blob:`) for a picture, fetched once. */
    picture(file: EncryptedFile, type: string, options: DownloadOptions = {}): Promise<string> {
        return this.address(file, drawable.has(type) ? type : "image/jpeg", options);
    }

    /** An address (`blob:`) for a sound, fetched once. */
    sound(file: EncryptedFile, type: string, options: DownloadOptions = {}): Promise<string> {
        return this.address(file, playable.has(type) ? type : "audio/webm", options);
    }

    private address(file: EncryptedFile, type: string, options: DownloadOptions): Promise<string> {
        const known = this.addresses.get(file.url);
        if (known) return known;
        const made = this.open(file, options).then((bytes) =>
            URL.createObjectURL(new Blob([bytes], { type })),
        );
        this.addresses.set(file.url, made);
        made.catch(() => this.addresses.delete(file.url));
        this.letGo();
        return made;
    }

    /** The bytes of a file, checked and decrypted. What a failed or stopped download has brought is kept for the next. */
    async open(file: EncryptedFile, options: DownloadOptions = {}): Promise<Bytes> {
        const [server, id] = file.url.slice("mxc://".length).split("/", 2);
        const path = `/_matrix/client/v1/media/download/${server}/${id}`;
        const download = this.unfinished.get(file.url) ?? new Download(this.fetcher, path);
        this.unfinished.delete(file.url);
        let bytes: Bytes;
        try {
            bytes = await download.run(options);
        } catch (error) {
            this.keep(file.url, download);
            throw error;
        }
        return decryptAttachment(bytes, file);
    }

    private keep(url: string, download: Download): void {
        this.unfinished.set(url, download);
        for (const old of this.unfinished.keys()) {
            if (this.unfinished.size <= UNFINISHED) return;
            this.unfinished.delete(old);
        }
    }

    private letGo(): void {
        for (const [url, made] of this.addresses) {
            if (this.addresses.size <= KEPT) return;
            this.addresses.delete(url);
            void made.then((address) => URL.revokeObjectURL(address)).catch(() => undefined);
        }
    }
}
