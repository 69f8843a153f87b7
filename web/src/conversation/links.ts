/** Words of a message cut into plain text, links and names. Pure. */

export type Piece =
    | { kind: "text"; text: string }
    | { kind: "link"; text: string; url: string }
    | { kind: "mention"; text: string };

const LINK = /\bhttps?:\/\/[^\s<>"'`]+/giu;

/** Punctuation at the end belongs to the sentence; a bracket only when its opening is not in the link. */
function trimmed(link: string): string {
    let end = link.replace(/[.,;:!?…]+$/u, "");
    while (end.endsWith(")") && (end.match(/\(/g)?.length ?? 0) < (end.match(/\)/g)?.length ?? 0))
        end = end.slice(0, -1).replace(/[.,;:!?…]+$/u, "");
    return end;
}

function mentionsIn(text: string, names: readonly string[]): Piece[] {
    const sorted = names.filter(Boolean).toSorted((a, b) => b.length - a.length);
    const pieces: Piece[] = [];
    let plain = "";
    let at = 0;
    while (at < text.length) {
        const name = text[at] === "@" ? sorted.find((one) => text.startsWith(one, at + 1)) : undefined;
        if (name === undefined) {
            plain += text[at];
            at++;
            continue;
        }
        if (plain) pieces.push({ kind: "text", text: plain });
        plain = "";
        pieces.push({ kind: "mention", text: `@${name}` });
        at += name.length + 1;
    }
    if (plain) pieces.push({ kind: "text", text: plain });
    return pieces;
}

/** Cuts `text`; `names` are those whom the message names. */
export function pieces(text: string, names: readonly string[] = []): Piece[] {
    const found: Piece[] = [];
    let from = 0;
    for (const match of text.matchAll(LINK)) {
        const link = trimmed(match[0]);
        if (!URL.canParse(link)) continue;
        found.push(...mentionsIn(text.slice(from, match.index), names));
        found.push({ kind: "link", text: link, url: link });
        from = match.index + link.length;
    }
    found.push(...mentionsIn(text.slice(from), names));
    return found;
}

/** What somebody must know before they open a link. */
export interface LinkWarning {
    host: string;
    /** Letters of other alphabets can look like ours: the host in plain letters is shown. */
    lookalike: boolean;
    /** A name stands before the host to look like one. */
    disguised: boolean;
    /** A bare network address. */
    numeric: boolean;
    /** Others on the way can read and change it. */
    insecure: boolean;
}

export function warning(link: string): LinkWarning {
    const url = new URL(link);
    return {
        host: url.host,
        lookalike: url.hostname.split(".").some((part) => part.startsWith("xn--")),
        disguised: url.username !== "" || url.password !== "",
        numeric: /^[\d.]+$|^\[/.test(url.hostname),
        insecure: url.protocol === "http:",
    };
}
