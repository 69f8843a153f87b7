import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useOnCall, usePlaces, useStaff, useTeams } from "../fhir/queries.ts";
import { resourcesOf } from "../fhir/schema.ts";
import { useSession } from "../session/store.ts";
import { entryOf, searchKept, sought, type Entry, type EntryType } from "./model.ts";

/** How long one must pause in typing before the server is asked. */
const PAUSE_MS = 120;

/** A text once it has not changed for a moment. */
function useSettled(text: string): string {
    const [settled, setSettled] = useState(text);
    useEffect(() => {
        const timer = setTimeout(() => setSettled(text), PAUSE_MS);
        return () => clearTimeout(timer);
    }, [text]);
    return settled;
}

/** The directory as one types, best first. Without the server, what is kept on this device. */
export function useDirectory(
    question: string,
    types: readonly EntryType[] = [],
): { found: Entry[]; text: string; searching: boolean; kept: boolean } {
    const fhir = useSession((session) => session.fhir);
    const text = sought(useSettled(question));
    const { data, isError, isFetching } = useQuery({
        queryKey: ["directory", text, ...types],
        enabled: fhir !== undefined && text.length >= 2,
        placeholderData: keepPreviousData,
        retry: 0,
        staleTime: 30_000,
        gcTime: 60_000,
        queryFn: async () => {
            const limit: Record<string, string> = types.length > 0 ? { _type: types.join(",") } : {};
            return resourcesOf(await fhir?.get("$directory", { text, ...limit })).flatMap(entryOf);
        },
    });
    const known = useKept(text, types, isError);
    const enough = text.length >= 2;
    return {
        found: enough ? (isError ? known : (data ?? [])) : [],
        text: enough ? text : "",
        searching: enough && isFetching,
        kept: enough && isError,
    };
}

const typeOf: Record<Entry["kind"], EntryType> = {
    role: "HealthcareService",
    person: "Practitioner",
    team: "CareTeam",
    place: "Location",
    organisation: "Organization",
};

function useKept(text: string, types: readonly EntryType[], wanted: boolean): Entry[] {
    const { data: roles } = useOnCall();
    const { data: staff } = useStaff();
    const { data: places } = usePlaces();
    const { data: teams } = useTeams();
    if (!wanted) return [];
    const known = {
        roles: roles ?? [],
        staff: staff ?? new Map(),
        places: places ?? new Map(),
        teams: teams ?? [],
    };
    return searchKept(text, known).filter((one) => types.length === 0 || types.includes(typeOf[one.kind]));
}
