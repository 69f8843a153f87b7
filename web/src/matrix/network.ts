/** `fetch` over networks that break, and that lose connections without a word. */

/** `/sync` waits for 25 seconds at the server; what has not begun to answer by then hangs on a dead connection. */
const SYNC_MS = 32_000;

/** Whether there is a server is answered at once, or not at all. */
const PING_MS = 6_000;

function addressOf(input: RequestInfo | URL): string {
    if (typeof input === "string") return input;
    return input instanceof URL ? input.href : input.url;
}

/** A request that can be given up from outside and begun again. */
class Waiting {
    private controller = new AbortController();
    private repeated = false;

    /** Gives up what is under way; whoever asked learns nothing of it. */
    again(): void {
        this.repeated = true;
        this.controller.abort();
    }

    async run(input: RequestInfo | URL, init: RequestInit): Promise<Response> {
        const give = (): void => this.controller.abort();
        init.signal?.addEventListener("abort", give);
        for (;;) {
            const timer = setTimeout(give, SYNC_MS);
            try {
                return await fetch(input, { ...init, signal: this.controller.signal });
            } catch (error) {
                if (!this.repeated || init.signal?.aborted === true) throw error;
                this.repeated = false;
                this.controller = new AbortController();
            } finally {
                // From here on the answer itself may take its time; whoever asked may still stop it.
                clearTimeout(timer);
            }
        }
    }
}

/** The requests of one session. What happens to one of them says something about the others. */
export class Network {
    /** Told of every answer of the server that was not waited for. */
    onAnswer: () => void = () => undefined;
    /** Something has failed since the last answer. */
    private broken = false;
    private readonly waiting = new Set<Waiting>();

    /** Like the browser's, but nothing hangs for ever. */
    readonly fetch: typeof globalThis.fetch = async (input, init = {}) => {
        const address = addressOf(input);
        if (address.includes("/sync?")) return this.wait(input, init);
        const ping = address.endsWith("/_matrix/client/versions");
        const signal = ping ? limited(init.signal, PING_MS) : init.signal;
        try {
            const response = await fetch(input, { ...init, ...(signal && { signal }) });
            this.answered();
            return response;
        } catch (error) {
            if (init.signal?.aborted !== true) this.broken = true;
            throw error;
        }
    };

    /** What waits at the server may wait on a connection that is dead: asks anew, unnoticed. */
    again(): void {
        for (const one of this.waiting) one.again();
    }

    private answered(): void {
        // The network was gone and is back; a connection from before may have died with it.
        if (this.broken) this.again();
        this.broken = false;
        this.onAnswer();
    }

    private async wait(input: RequestInfo | URL, init: RequestInit): Promise<Response> {
        const one = new Waiting();
        this.waiting.add(one);
        try {
            return await one.run(input, init);
        } finally {
            this.waiting.delete(one);
        }
    }
}

function limited(signal: AbortSignal | null | undefined, milliseconds: number): AbortSignal {
    const limit = AbortSignal.timeout(milliseconds);
    return signal ? AbortSignal.any([signal, limit]) : limit;
}
