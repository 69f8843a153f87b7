import { t } from "../i18n/index.ts";

/** What the server answers to a password sign-in (client-server API, `POST /login`). */
export interface LoginAnswer {
    user_id: string;
    device_id: string;
    access_token: string;
    refresh_token?: string;
    expires_in_ms?: number;
}

/** A sign-in that did not work, in words for the person. */
export class SignInError extends Error {}

/** Signs in; a `deviceId` continues an earlier session of this browser whose tokens have ended. */
export async function login(user: string, password: string, deviceId?: string): Promise<LoginAnswer> {
    let response: Response;
    try {
        response = await fetch("/_matrix/client/v3/login", {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify({
                type: "m.login.password",
                identifier: { type: "m.id.user", user },
                password,
                refresh_token: true,
                device_id: deviceId,
                initial_device_display_name: t.signIn.deviceName,
            }),
        });
    } catch {
        throw new SignInError(t.signIn.unreachable);
    }
    if (response.ok) return (await response.json()) as LoginAnswer;
    const body = (await response.json().catch(() => ({}))) as { errcode?: string; retry_after_ms?: number };
    throw new SignInError(words(response.status, body));
}

function words(status: number, body: { errcode?: string; retry_after_ms?: number }): string {
    if (body.errcode === "M_USER_DEACTIVATED") return t.signIn.deactivated;
    if (body.errcode === "M_LIMIT_EXCEEDED" || status === 429) {
        return t.signIn.tooMany(Math.max(1, Math.ceil((body.retry_after_ms ?? 30_000) / 1000)));
    }
    if (status === 401 || status === 403) return t.signIn.wrong;
    if (status >= 500) return t.signIn.serverTrouble;
    return t.signIn.refused;
}
