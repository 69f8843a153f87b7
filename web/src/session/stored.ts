import type { Identity } from "../matrix/identity.ts";
import type { Tokens } from "../matrix/tokens.ts";
import type { OAuthClient } from "./oauth.ts";

/** Where the session is kept in the `Vault`. */
export const SESSION = "session";

/** What is kept of a session between visits, in the `Vault`. */
export interface StoredSession extends Identity, Tokens, OAuthClient {
    /** The server ended the session but this device may go on after a new sign-in (soft logout). */
    expired?: boolean;
}
