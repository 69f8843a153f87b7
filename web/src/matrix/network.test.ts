import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Network } from "./network.ts";

const SYNC = "https://h/_matrix/client/v3/sync?timeout=25000";

/** A server whose answers the test gives. */
class Line {
    readonly asked: { address: string; answer: (status: number) => void; fail: () => void }[] = [];

    readonly fetch = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> =>
        new Promise((resolve, reject) => {
            const address = input as string;
            this.asked.push({
                address,
                answer: (status) => resolve(new Response("{}", { status })),
                fail: () => reject(new TypeError("Failed to fetch")),
            });
            init?.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
        });
}

describe("requests over a network that breaks", () => {
    let line: Line;
    let network: Network;

    beforeEach(() => {
        vi.useFakeTimers();
        line = new Line();
        network = new Network();
        vi.stubGlobal("fetch", line.fetch);
    });
    afterEach(() => {
        vi.useRealTimers();
        vi.unstubAllGlobals();
    });

    it("asks anew for news after a failure was followed by an answer, and nobody notices", async () => {
        const told = vi.fn<() => void>();
        network.onAnswer = told;
        const news = network.fetch(SYNC);
        const first = network.fetch("https://h/send");
        line.asked[1]?.fail();
        await expect(first).rejects.toThrow("Failed to fetch");
        expect(line.asked).toHaveLength(2);
        expect(told).not.toHaveBeenCalled();
        const second = network.fetch("https://h/send");
        line.asked[2]?.answer(200);
        expect((await second).status).toBe(200);
        expect(told).toHaveBeenCalledOnce();
        await vi.advanceTimersByTimeAsync(0);
        expect(line.asked.map(({ address }) => address)).toEqual([
            SYNC,
            "https://h/send",
            "https://h/send",
            SYNC,
        ]);
        line.asked[3]?.answer(200);
        expect((await news).status).toBe(200);
    });

    it("leaves what waits alone while everything is answered, and when a request was given up", async () => {
        void network.fetch(SYNC).catch(() => undefined);
        const controller = new AbortController();
        const stopped = network.fetch("https://h/file", { signal: controller.signal });
        controller.abort();
        await expect(stopped).rejects.toThrow("aborted");
        const next = network.fetch("https://h/send");
        line.asked[2]?.answer(200);
        await next;
        await vi.advanceTimersByTimeAsync(0);
        expect(line.asked).toHaveLength(3);
    });

    it("gives news up that hangs, and what whoever asked gives up is not asked again", async () => {
        const hanging = network.fetch(SYNC);
        const failed = expect(hanging).rejects.toThrow("aborted");
        await vi.advanceTimersByTimeAsync(32_000);
        await failed;
        const controller = new AbortController();
        const stopped = network.fetch(SYNC, { signal: controller.signal });
        controller.abort();
        network.again();
        await expect(stopped).rejects.toThrow("aborted");
        await vi.advanceTimersByTimeAsync(0);
        expect(line.asked).toHaveLength(2);
    });

    it("does not wait long to learn that nobody is there", async () => {
        vi.useRealTimers();
        const limit = vi.spyOn(AbortSignal, "timeout").mockReturnValue(AbortSignal.abort());
        line.fetch("unused").catch(() => undefined);
        vi.stubGlobal("fetch", (_input: string, init?: RequestInit) =>
            init?.signal?.aborted === true ? Promise.reject(new Error("too late")) : Promise.resolve(),
        );
        await expect(network.fetch("https://h/_matrix/client/versions")).rejects.toThrow("too late");
        expect(limit).toHaveBeenCalledWith(6_000);
        limit.mockRestore();
    });
});
