import { decodeRecoveryKey } from "matrix-js-sdk/lib/crypto-api";
import { create } from "zustand";
import type { Owner } from "../matrix/crypto-setup.ts";

/** What the person is to do about their own recovery key, where each keeps it. */
export type Wanted =
    | { kind: "show"; key: string; done: () => void }
    /** `give` says whether it was the right one. */
    | { kind: "ask"; give: (text: string) => Promise<boolean>; later: () => void };

export const useOwner = create<{ wanted: Wanted | undefined }>(() => ({ wanted: undefined }));

function ended(): void {
    useOwner.setState({ wanted: undefined });
}

/** The person at this browser; `RecoveryKey` is what they see. */
export const owner: Owner = {
    show: (key) =>
        new Promise((resolve) => {
            const done = (): void => {
                ended();
                resolve();
            };
            useOwner.setState({ wanted: { kind: "show", key, done } });
        }),
    ask: (right) =>
        new Promise((resolve) => {
            const give = async (text: string): Promise<boolean> => {
                const key = decoded(text);
                if (!key || !(await right(key))) return false;
                ended();
                resolve(key);
                return true;
            };
            const later = (): void => {
                ended();
                resolve(undefined);
            };
            useOwner.setState({ wanted: { kind: "ask", give, later } });
        }),
};

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
    try {
        return decodeRecoveryKey(text);
    } catch {
        return undefined;
    }
}
