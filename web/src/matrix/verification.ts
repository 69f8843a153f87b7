import { useQueries, useQueryClient } from "@tanstack/react-query";
import type { MatrixClient } from "matrix-js-sdk";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api";
import { useEffect } from "react";
import { useClient } from "../session/store.ts";

/**
 * What stands behind somebody's identity.
 * - `verified`: the organisation vouches for it (or this person compared it).
 * - `changed`: it is another one than this person knew, and nobody vouches for the new one.
 * - `unknown`: they have none yet, or nobody vouches for it.
 */
export type Standing = "verified" | "changed" | "unknown";

const KEY = "standing";

async function standing(client: MatrixClient, userId: string): Promise<Standing> {
    const status = await client.getCrypto()?.getUserVerificationStatus(userId);
    if (status?.isCrossSigningVerified()) return "verified";
    if (status?.needsUserApproval || status?.wasCrossSigningVerified()) return "changed";
    return "unknown";
}

/** The standing of several people, by user id; those that are still being looked up are missing. */
export function useStandings(userIds: readonly string[]): Map<string, Standing> {
    const client = useClient();
    const queries = useQueryClient();
    useEffect(() => {
        const again = (userId: string): void => void queries.invalidateQueries({ queryKey: [KEY, userId] });
        const several = (userIds: string[]): void => {
            for (const userId of userIds) again(userId);
        };
        client.on(CryptoEvent.UserTrustStatusChanged, again);
        client.on(CryptoEvent.DevicesUpdated, several);
        return () => {
            client.off(CryptoEvent.UserTrustStatusChanged, again);
            client.off(CryptoEvent.DevicesUpdated, several);
        };
    }, [client, queries]);
    const answers = useQueries({
        queries: userIds.map((userId) => ({
            queryKey: [KEY, userId],
            queryFn: () => standing(client, userId),
            // It is known on this device; a connection is not needed.
            networkMode: "always" as const,
        })),
    });
    const known = new Map<string, Standing>();
    for (const [index, userId] of userIds.entries()) {
        const answer = answers[index]?.data;
        if (answer) known.set(userId, answer);
    }
    return known;
}

/** This person has made sure that the identity is their colleague's: it is not warned of any more. */
export function useAcceptIdentity(): (userId: string) => Promise<void> {
    const client = useClient();
    const queries = useQueryClient();
    return async (userId) => {
        const api = client.getCrypto();
        const status = await api?.getUserVerificationStatus(userId);
        if (status?.wasCrossSigningVerified()) await api?.withdrawVerificationRequirement(userId);
        await api?.pinCurrentUserIdentity(userId);
        await queries.invalidateQueries({ queryKey: [KEY, userId] });
    };
}
