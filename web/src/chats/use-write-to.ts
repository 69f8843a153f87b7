import { useState } from "react";
import { useLocation } from "wouter";
import { useClient } from "../session/store.ts";
import { startDirect } from "./direct.ts";

/** Opens the conversation with a colleague (a Practitioner id); `failed` when the last try did not work. */
export function useWriteTo(): { writeTo: (id: string) => Promise<void>; failed: boolean } {
    const client = useClient();
    const [, navigate] = useLocation();
    const [failed, setFailed] = useState(false);
    const writeTo = async (id: string): Promise<void> => {
        setFailed(false);
        try {
            navigate(`/chats/${encodeURIComponent(await startDirect(client, id))}`);
        } catch {
            setFailed(true);
        }
    };
    return { writeTo, failed };
}
