import { logger as sdkLogger, type Logger } from "matrix-js-sdk/lib/logger";

/**
 * matrix-js-sdk logs requests and event contents. Ward computers are shared, so nothing of it reaches the console.
 */
const silent = (): void => undefined;

export const quietLogger: Logger = {
    trace: silent,
    debug: silent,
    info: silent,
    warn: silent,
    error: silent,
    getChild: () => quietLogger,
};

/** Silences the SDK's own global logger too (some modules do not take one); call before creating a client. */
export function silenceSdk(): void {
    const global = sdkLogger as unknown as { methodFactory: () => () => void; rebuild?: () => void };
    global.methodFactory = () => silent;
    global.rebuild?.();
}
