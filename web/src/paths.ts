/** Addresses of what can be open beside a list. A conversation is its room id; everything else says what it is first. */

/** What can be open beside a list, other than a conversation. */
export const pageKinds = ["task", "role", "handover", "team", "access", "playbook"] as const;
export type PageKind = (typeof pageKinds)[number];

/** The address of a page beside the list of a place: `/on-call/role%3Asite-manager`. */
export function pagePath(place: string, kind: PageKind, id: string): string {
    return `/${place}/${encodeURIComponent(`${kind}:${id}`)}`;
}

/** What an address names, if it is not a conversation. */
export function pageOf(opened: string): { kind: PageKind; id: string } | undefined {
    const kind = pageKinds.find((one) => opened.startsWith(`${one}:`));
    return kind && { kind, id: opened.slice(kind.length + 1) };
}
