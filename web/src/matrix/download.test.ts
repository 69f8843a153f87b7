import { describe, expect, it } from "vitest";
import { contentRange, Download, pauseBefore, Refused } from "./download.ts";

const file = Uint8Array.from({ length: 1000 }, (_, at) => at % 251);

/** A server whose connections break off after `most` bytes each; `asked` has the `Range` of each request. */
function shaky(most: number, ranges = true): { fetcher: typeof fetch; asked: (string | null)[] } {
    const asked: (string | null)[] = [];
    const fetcher = (_path: unknown, init?: RequestInit): Promise<Response> => {
        const range = new Headers(init?.headers).get("Range");
        asked.push(range);
        const from = ranges && range !== null ? Number(/\d+/.exec(range)?.[0]) : 0;
        const sent = file.slice(from, from + most);
        let given = false;
        const body = new ReadableStream<Uint8Array>({
            pull(controller) {
                if (!given) controller.enqueue(sent);
                else if (from + most >= file.length) controller.close();
                else controller.error(new TypeError("network"));
                given = true;
            },
        });
        const partial = ranges && range !== null;
        const headers: Record<string, string> = { "Content-Length": String(file.length - from) };
        if (partial) headers["Content-Range"] = `bytes ${from}-${file.length - 1}/${file.length}`;
        return Promise.resolve(new Response(body, { status: partial ? 206 : 200, headers }));
    };
    return { fetcher, asked };
}

const atOnce = (): Promise<void> => Promise.resolve();

describe("a download", () => {
    it("goes on where the connection broke off, and is what was sent", async () => {
        const { fetcher, asked } = shaky(300);
        const shares: number[] = [];
        const bytes = await new Download(fetcher, "/f", atOnce).run({ onProgress: (n) => shares.push(n) });
        expect(bytes).toEqual(file);
        expect(asked).toEqual([null, "bytes=300-", "bytes=600-", "bytes=900-"]);
        expect(shares.at(-1)).toBe(1);
    });

    it("begins anew at a server that knows no ranges", async () => {
        const { fetcher } = shaky(1000, false);
        expect(await new Download(fetcher, "/f", atOnce).run()).toEqual(file);
    });

    it("is not tried again when it is refused, and is tried for a while when nothing comes", async () => {
        const answer = (status: number): typeof fetch => {
            return () => Promise.resolve(new Response("", { status }));
        };
        await expect(new Download(answer(404), "/f", atOnce).run()).rejects.toBeInstanceOf(Refused);
        await expect(new Download(answer(503), "/f", atOnce).run()).rejects.toThrow("media 503");
    });

    it("stops when it is given up", async () => {
        const controller = new AbortController();
        const fetcher = (): Promise<Response> => Promise.reject(new TypeError("network"));
        const stop = (): Promise<void> => {
            controller.abort();
            return Promise.resolve();
        };
        await expect(
            new Download(fetcher, "/f", stop).run({ signal: controller.signal }),
        ).rejects.toMatchObject({ name: "AbortError" });
    });

    it("waits longer each time", () => {
        expect([1, 2, 3, 9].map(pauseBefore)).toEqual([1000, 2000, 4000, 15_000]);
    });

    it("reads where a part belongs", () => {
        expect(contentRange("bytes 5-9/10")).toEqual({ from: 5, total: 10 });
        expect(contentRange("bytes */10")).toBeUndefined();
        expect(contentRange(null)).toBeUndefined();
    });
});
