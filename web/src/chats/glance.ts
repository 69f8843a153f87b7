/** What the list of conversations last showed: the next visit begins with it. `keep-glance.ts` keeps it. */
import type { Vault } from "../matrix/vault.ts";
import type { ChatSummary } from "./summary.ts";

/** Where it is kept in the vault. */
export const GLANCE = "glance";

/** One conversation as it was last seen, and whether the list shows it or it was put away. */
export type Glimpse = Omit<ChatSummary, "marks" | "other"> & { listed: boolean };

/** The conversations in the order of the list. */
export type Glance = readonly Glimpse[];

/** What the last visit saw; nothing on the first one. */
export async function lastGlance(vault: Vault): Promise<Glance | undefined> {
    return vault.get<Glance>(GLANCE);
}
