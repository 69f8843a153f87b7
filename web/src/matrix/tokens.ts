import { Network } from "./network.ts";

/**
 * The session's access token and its renewal (Matrix client-server API, "Token refresh flow").
 * One holder serves the Matrix client, the FHIR client and the key service, so that a token is renewed once.
 */
export interface Tokens {
    accessToken: string;
    refreshToken?: string | undefined;
    /** When the access token stops working, milliseconds since the epoch; absent when it does not. */
    expiresAt?: number | undefined;
}

/** Where tokens are renewed, and for which client (OAuth 2.0, RFC 6749 section 6). */
export interface TokenEndpoint {
    tokenEndpoint: string;
    clientId: string;
}

interface RefreshAnswer {
    access_token: string;
    refresh_token?: string;
    expires_in?: number;
}

/** Renew this long before the end, so that a long upload does not start with a dying token. */
const EARLY_MS = 60_000;

/** Every request waits for a renewal: one that hangs on a dead connection must not keep them for ever. */
const RENEWAL_MS = 20_000;

export class TokenHolder {
    private renewal: Promise<boolean> | undefined;

    constructor(
        private tokens: Tokens,
        private readonly endpoint: TokenEndpoint,
        /** Called with renewed tokens, before they are used. */
        private readonly onRenewed: (tokens: Tokens) => Promise<void>,
        /** Called when the server will not accept this session any more; `soft` when the device may sign in again. */
        private readonly onLost: (soft: boolean) => void,
        private readonly network = new Network(),
    ) {}

    get accessToken(): string {
        return this.tokens.accessToken;
    }

    /** `fetch` with the current token; renews it and tries once more when the server says it is unknown. */
    readonly fetch: typeof globalThis.fetch = async (input, init) => {
        const headers = new Headers(init?.headers);
        const needsToken = headers.has("Authorization");
        if (!needsToken) return this.network.fetch(input, init);
        if (this.tokens.expiresAt !== undefined && this.tokens.expiresAt - Date.now() < EARLY_MS) {
            await this.renew(this.tokens.accessToken);
        }
        const used = this.tokens.accessToken;
        headers.set("Authorization", `Bearer ${used}`);
        const response = await this.network.fetch(input, { ...init, headers });
        const refusal = response.status === 401 ? await unknownToken(response) : undefined;
        if (!refusal || !(await this.renew(used, refusal.soft))) return response;
        headers.set("Authorization", `Bearer ${this.tokens.accessToken}`);
        return this.network.fetch(input, { ...init, headers });
    };

    /** `fetch` for our own services: always sends the token. */
    readonly authorised: typeof globalThis.fetch = (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set("Authorization", "Bearer");
        return this.fetch(input, { ...init, headers });
    };

    /** Renews the token unless that has happened since `used`; `soft` is what the server said when it refused it. */
    private renew(used: string, soft?: boolean): Promise<boolean> {
        if (used !== this.tokens.accessToken) return Promise.resolve(true);
        this.renewal ??= this.doRenew(soft).finally(() => {
            this.renewal = undefined;
        });
        return this.renewal;
    }

    private async doRenew(soft: boolean | undefined): Promise<boolean> {
        if (!this.tokens.refreshToken || soft === false) {
            // Without a refresh token an early renewal is pointless; only a refusal by the server ends the session.
            if (soft !== undefined) this.onLost(soft);
            return false;
        }
        const response = await fetch(this.endpoint.tokenEndpoint, {
            method: "POST",
            body: new URLSearchParams({
                grant_type: "refresh_token",
                client_id: this.endpoint.clientId,
                refresh_token: this.tokens.refreshToken,
            }),
            signal: AbortSignal.timeout(RENEWAL_MS),
        });
        if (response.status === 400 && (await isOver(response))) {
            this.onLost(soft ?? false);
            return false;
        }
        if (!response.ok) return false;
        const answer = (await response.json()) as RefreshAnswer;
        const renewed: Tokens = {
            accessToken: answer.access_token,
            refreshToken: answer.refresh_token ?? this.tokens.refreshToken,
            expiresAt: answer.expires_in === undefined ? undefined : Date.now() + answer.expires_in * 1000,
        };
        await this.onRenewed(renewed);
        this.tokens = renewed;
        return true;
    }
}

/** Whether the authorisation server says that the session has ended, and not that it has a problem. */
async function isOver(response: Response): Promise<boolean> {
    const body = (await response.json().catch(() => ({}))) as { error?: string };
    return body.error === "invalid_grant";
}

interface RefusedToken {
    errcode?: string;
    soft_logout?: boolean;
    issue?: { details?: { coding?: { code?: string }[] } }[];
}

/** What a refused token means, if that is why the request was refused (client-server API, "Soft logout"). */
async function unknownToken(response: Response): Promise<{ soft: boolean } | undefined> {
    try {
        const body = (await response.clone().json()) as RefusedToken;
        // The clinical service says the same in an OperationOutcome.
        const codes = body.issue?.[0]?.details?.coding?.map(({ code }) => code) ?? [];
        const errcode = body.errcode ?? codes[0];
        const soft = body.soft_logout === true || codes.includes("soft_logout");
        return errcode === "M_UNKNOWN_TOKEN" ? { soft } : undefined;
    } catch {
        return undefined;
    }
}
