/**
 * Two tabs on one crypto store would corrupt its ratchets, so Wardline runs in one tab at a time. The tab that runs
 * holds a Web Lock; a second one may take it over, and the first steps aside.
 */
const NAME = "wardline-tab";

/**
 * Takes the lock. Resolves `true` when this tab has it, `false` when another tab does (and `steal` is not set).
 * `onLost` runs when another tab takes it over later.
 */
export function takeTabLock(steal: boolean, onLost: () => void): Promise<boolean> {
    return new Promise((resolve) => {
        const options: LockOptions = steal ? { steal: true } : { ifAvailable: true };
        let held = false;
        navigator.locks
            .request(NAME, options, (lock) => {
                if (!lock) {
                    resolve(false);
                    return undefined;
                }
                held = true;
                resolve(true);
                // Held until the tab closes or another one steals it.
                return new Promise<void>(() => undefined);
            })
            .catch(() => {
                if (held) onLost();
                else resolve(false);
            });
    });
}
