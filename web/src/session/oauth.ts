/**
 * Signing in by OAuth 2.0 (Matrix client-server API, "OAuth 2.0 API"): the server's own sign-in page asks the person, and
 * sends the browser back here with a code that only this tab can redeem (authorisation code with PKCE).
 */
import { t } from "../i18n/index.ts";
import { SignInError } from "./sign-in-error.ts";

/** Where the authorisation server answers. */
interface Metadata {
    issuer: string;
    authorization_endpoint: string;
    token_endpoint: string;
    revocation_endpoint: string;
    registration_endpoint: string;
}

/** What a later refresh and the sign-out need. */
export interface OAuthClient {
    clientId: string;
    tokenEndpoint: string;
    revocationEndpoint: string;
}

/** What signing in gave. */
export interface SignedIn extends OAuthClient {
    userId: string;
    deviceId: string;
    accessToken: string;
    refreshToken: string | undefined;
    expiresAt: number | undefined;
}

/** What this tab remembers while the person is on the sign-in page. */
interface Pending {
    state: string;
    verifier: string;
    deviceId: string;
    clientId: string;
    path: string;
}

const PENDING = "wardline-sign-in";

function base64url(bytes: Uint8Array): string {
    const text = btoa(String.fromCodePoint(...bytes));
    return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function random(length: number): string {
    return base64url(crypto.getRandomValues(new Uint8Array(length)));
}

/** Ten capital letters, easy to read out on the telephone. */
function newDeviceId(): string {
    const letters = [...crypto.getRandomValues(new Uint8Array(10))];
    return letters.map((byte) => String.fromCodePoint(65 + (byte % 26))).join("");
}

async function call<T>(url: string, init?: RequestInit): Promise<T> {
    let response: Response;
    try {
        response = await fetch(url, init);
    } catch {
        throw new SignInError(t.signIn.unreachable);
    }
    if (response.ok) return (await response.json()) as T;
    throw new SignInError(response.status >= 500 ? t.signIn.serverTrouble : t.signIn.refused);
}

function post(fields: Record<string, string>): RequestInit {
    return { method: "POST", body: new URLSearchParams(fields) };
}

function redirectUri(): string {
    return `${location.origin}/`;
}

async function register(metadata: Metadata): Promise<string> {
    const about = {
        client_name: t.signIn.deviceName,
        client_uri: redirectUri(),
        redirect_uris: [redirectUri()],
        application_type: "web",
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        token_endpoint_auth_method: "none",
    };
    const answer = await call<{ client_id: string }>(metadata.registration_endpoint, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(about),
    });
    return answer.client_id;
}

/**
 * Leaves for the sign-in page. A `deviceId` continues a session of this browser; with `again` the person is asked to show
 * once more that it is them. Throws `SignInError` when the server cannot be asked.
 */
export async function leaveForSignIn(deviceId?: string, again = false): Promise<void> {
    const metadata = await call<Metadata>("/_matrix/client/v1/auth_metadata");
    const home = new URL(metadata.issuer).origin;
    // The server has one address for browsers; under another one (an IP address, say) it would not know this app.
    if (home !== location.origin) {
        location.replace(`${home}${location.pathname}`);
        return;
    }
    const verifier = random(48);
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    const pending: Pending = {
        state: random(24),
        verifier,
        deviceId: deviceId ?? newDeviceId(),
        clientId: await register(metadata),
        path: location.pathname,
    };
    sessionStorage.setItem(PENDING, JSON.stringify(pending));
    const url = new URL(metadata.authorization_endpoint);
    const query = {
        response_type: "code",
        response_mode: "fragment",
        client_id: pending.clientId,
        redirect_uri: redirectUri(),
        scope: `urn:matrix:client:api:* urn:matrix:client:device:${pending.deviceId}`,
        state: pending.state,
        code_challenge: base64url(new Uint8Array(hash)),
        code_challenge_method: "S256",
        ui_locales: t.locale,
        ...(again ? { max_age: "0" } : {}),
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    location.assign(url);
}

/** Whether the browser has just come back from the sign-in page. */
export function isBack(): boolean {
    const answer = new URLSearchParams(location.hash.slice(1));
    return answer.has("state") && (answer.has("code") || answer.has("error"));
}

/** Redeems what the browser came back with. `undefined`: the person said no. Throws `SignInError`. */
export async function comeBack(): Promise<SignedIn | undefined> {
    const answer = new URLSearchParams(location.hash.slice(1));
    const kept = sessionStorage.getItem(PENDING);
    sessionStorage.removeItem(PENDING);
    const pending = kept === null ? undefined : (JSON.parse(kept) as Pending);
    // The code must not stay in the address bar or the history.
    history.replaceState(null, "", pending?.path ?? "/");
    const metadata = await call<Metadata>("/_matrix/client/v1/auth_metadata");
    const ours = pending?.state === answer.get("state") && answer.get("iss") === metadata.issuer;
    if (!pending || !ours) throw new SignInError(t.signIn.notOurs);
    const code = answer.get("code");
    if (code === null) return undefined;
    const tokens = await call<{ access_token: string; refresh_token?: string; expires_in?: number }>(
        metadata.token_endpoint,
        post({
            grant_type: "authorization_code",
            client_id: pending.clientId,
            code,
            redirect_uri: redirectUri(),
            code_verifier: pending.verifier,
        }),
    );
    const who = await call<{ user_id: string; device_id: string }>("/_matrix/client/v3/account/whoami", {
        headers: { Authorization: `Bearer ${tokens.access_token}` },
    });
    return {
        userId: who.user_id,
        deviceId: who.device_id,
        accessToken: tokens.access_token,
        refreshToken: tokens.refresh_token,
        expiresAt: tokens.expires_in === undefined ? undefined : Date.now() + tokens.expires_in * 1000,
        clientId: pending.clientId,
        tokenEndpoint: metadata.token_endpoint,
        revocationEndpoint: metadata.revocation_endpoint,
    };
}

/** Ends a session at the server. */
export async function revoke(client: OAuthClient, token: string): Promise<void> {
    await fetch(client.revocationEndpoint, post({ token, client_id: client.clientId }));
}
