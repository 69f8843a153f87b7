/** Fetches files over bad networks: what has arrived is kept, and the rest is asked for (RFC 9110, section 14). Pure but for `fetch`. */
import type { Bytes } from "./attachment-crypto.ts";

export interface DownloadOptions {
    signal?: AbortSignal | undefined;
    /** Told the share that has arrived, 0 to 1. */
    onProgress?: ((share: number) => void) | undefined;
}

/** Tries in a row that bring nothing before it is given up; what has arrived stays for the next time. */
const TRIES = 5;

/** The server has the file not, or not for this person: trying again does not help. */
export class Refused extends Error {}

/** Waits before try number `tries + 1`, in milliseconds: 1 s doubling to 15 s. */
export function pauseBefore(tries: number): number {
    return Math.min(15_000, 1_000 * 2 ** Math.max(0, tries - 1));
}

/** Waits, at most until the connection is said to be back. */
function wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
        const go = (): void => {
            clearTimeout(timer);
            globalThis.removeEventListener?.("online", go);
            signal?.removeEventListener("abort", go);
            resolve();
        };
        const timer = setTimeout(go, milliseconds);
        globalThis.addEventListener?.("online", go);
        signal?.addEventListener("abort", go);
    });
}

/** `bytes 100-199/200`: the first byte of an answer and how many there are; `undefined` when it does not say. */
export function contentRange(header: string | null): { from: number; total: number } | undefined {
    const found = /^bytes (\d+)-\d+\/(\d+)$/.exec(header ?? "");
    return found ? { from: Number(found[1]), total: Number(found[2]) } : undefined;
}

/** One file on its way. `run` may be called again after it failed and goes on where it was. */
export class Download {
    private parts: Bytes[] = [];
    private loaded = 0;
    private total: number | undefined;

    constructor(
        private readonly fetcher: typeof globalThis.fetch,
        private readonly path: string,
        private readonly rest: typeof wait = wait,
    ) {}

    /** All bytes. Throws `Refused`, the abort of `signal`, or the last failure of the network. */
    async run({ signal, onProgress }: DownloadOptions = {}): Promise<Bytes> {
        let tries = 0;
        for (;;) {
            const before = this.loaded;
            try {
                await this.attempt(signal, onProgress);
                return new Uint8Array(await new Blob(this.parts).arrayBuffer());
            } catch (error) {
                if (error instanceof Refused || signal?.aborted === true) throw error;
                tries = this.loaded > before ? 1 : tries + 1;
                if (tries >= TRIES) throw error;
                await this.rest(pauseBefore(tries), signal);
                signal?.throwIfAborted();
            }
        }
    }

    private async attempt(
        signal: AbortSignal | undefined,
        onProgress: DownloadOptions["onProgress"],
    ): Promise<void> {
        const headers: Record<string, string> = this.loaded > 0 ? { Range: `bytes=${this.loaded}-` } : {};
        const response = await this.fetcher(this.path, { headers, ...(signal && { signal }) });
        const { status } = response;
        // Nothing is left to be asked for: all of it is here.
        if (status === 416 && this.loaded > 0 && this.loaded === this.total) return;
        if (status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status))
            throw new Refused(`media ${status}`);
        if (!response.ok) throw new Error(`media ${status}`);
        const range = status === 206 ? contentRange(response.headers.get("Content-Range")) : undefined;
        if (range?.from !== this.loaded) {
            // The whole file, or a part that was not asked for: it begins anew.
            if (status === 206) throw this.begin("a part that was not asked for");
            this.begin();
        }
        const length = Number(response.headers.get("Content-Length") ?? 0);
        this.total = range?.total ?? (length > 0 ? length : undefined);
        await this.read(response, onProgress);
        if (this.total !== undefined && this.loaded < this.total) throw new Error("the connection broke off");
    }

    private begin(why = ""): Error {
        this.parts = [];
        this.loaded = 0;
        return new Error(why);
    }

    private async read(response: Response, onProgress: DownloadOptions["onProgress"]): Promise<void> {
        if (!response.body) return;
        const reader = response.body.getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            this.parts.push(value);
            this.loaded += value.length;
            if (this.total !== undefined) onProgress?.(Math.min(1, this.loaded / this.total));
        }
    }
}
