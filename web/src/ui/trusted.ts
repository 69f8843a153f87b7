/**
 * The one policy of Trusted Types: addresses of our own files, for workers. Nothing else of this app becomes script, and the
 * server's Content-Security-Policy allows no other policy.
 */
interface Policy {
    createScriptURL: (url: string) => string;
}

interface Factory {
    createPolicy: (name: string, rules: Policy) => Policy;
}

function ours(url: string): string {
    const { origin, pathname } = new URL(url, location.origin);
    if (origin !== location.origin) throw new Error("only our own files are script");
    return pathname;
}

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
const policy: Policy = factory?.createPolicy("wardline", { createScriptURL: ours }) ?? {
    createScriptURL: ours,
};

/** The address of a script of ours, fit for a worker. Throws for any other address. */
export function scriptAddress(url: string): string {
    return policy.createScriptURL(url);
}
