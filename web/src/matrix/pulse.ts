/** When to look for the connection again after it was lost: soon, for somebody waits, but never all devices of a ward at once. */

/** So often it is tried in quick succession: for about a minute. */
const QUICK = 40;
const LONGEST_MS = 10_000;
/** Whoever does something is not kept waiting, but does not hammer either. */
const LEAST_MS = 1_000;

/** Wait before try number `tries + 1`, in milliseconds; `chance`, from 0 to 1, spreads the devices of a ward. */
export function pauseBefore(tries: number, chance: number): number {
    if (tries === 0) return 100 + 400 * chance;
    const most = Math.min(LONGEST_MS, 1_800 * 1.2 ** Math.max(0, tries - QUICK));
    return most * (0.5 + chance / 2);
}

/** Tries again and again from `lost` to `back`. */
export class Pulse {
    private tries = 0;
    private last = -Infinity;
    /** When the next try is; endless while there is none. */
    private due = Infinity;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private isLost = false;

    constructor(
        private readonly attempt: () => void,
        private readonly chance: () => number = Math.random,
    ) {}

    /** The connection is lost, or a try has failed: another one follows. */
    lost(): void {
        this.isLost = true;
        this.after(pauseBefore(this.tries, this.chance()));
    }

    /** The connection is there. */
    back(): void {
        this.isLost = false;
        this.tries = 0;
        this.due = Infinity;
        clearTimeout(this.timer);
    }

    /** There is reason to think that it is back: something was answered, the browser says so, somebody looks. */
    hint(): void {
        if (!this.isLost) return;
        this.tries = 0;
        this.after(Math.min(pauseBefore(0, this.chance()), this.due - performance.now()));
    }

    private after(milliseconds: number): void {
        clearTimeout(this.timer);
        const now = performance.now();
        const wait = Math.max(milliseconds, this.last + LEAST_MS - now);
        this.due = now + wait;
        this.timer = setTimeout(() => {
            this.tries++;
            this.last = performance.now();
            this.due = Infinity;
            this.attempt();
        }, wait);
    }
}
