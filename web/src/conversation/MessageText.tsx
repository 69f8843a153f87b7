import type { JSX, MouseEvent } from "react";
import { create } from "zustand";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { pieces, warning } from "./links.ts";

/** The words of a message, with its links and the names of those it names. */
export function MessageText({ text, names }: { text: string; names: readonly string[] }): JSX.Element {
    return (
        <p className="bubble__text" dir="auto">
            {pieces(text, names).map((piece, index) => {
                if (piece.kind === "link") return <SafeLink key={index} url={piece.url} />;
                if (piece.kind === "mention")
                    return (
                        <strong key={index} className="mention">
                            {piece.text}
                        </strong>
                    );
                return piece.text;
            })}
        </p>
    );
}

/** A link that says where it leads before it is opened. Wardline's own addresses open at once. */
function SafeLink({ url }: { url: string }): JSX.Element {
    const open = (event: MouseEvent): void => {
        if (new URL(url).origin === location.origin) return;
        event.preventDefault();
        useAsked.setState({ url });
    };
    return (
        <a href={url} target="_blank" rel="noopener noreferrer nofollow" onClick={open}>
            {url}
        </a>
    );
}

/** The link that is asked about. Not in the message: a message that scrolls out of sight is drawn no more, and its dialog would go with it. */
const useAsked = create<{ url: string | undefined }>(() => ({ url: undefined }));

/** Asks whether the link that was pressed is to be opened. */
export function AskedLink(): JSX.Element | null {
    const url = useAsked((asked) => asked.url);
    if (url === undefined) return null;
    return <LinkDialog url={url} onClose={() => useAsked.setState({ url: undefined })} />;
}

function LinkDialog({ url, onClose }: { url: string; onClose: () => void }): JSX.Element {
    const found = warning(url);
    const warnings = (["lookalike", "disguised", "numeric", "insecure"] as const).filter((one) => found[one]);
    return (
        <Dialog title={t.link.title} onClose={onClose}>
            <div className="info">
                <p>{t.link.body}</p>
                <p className="link__host">{found.host}</p>
                <p className="muted link__full">{url}</p>
                {warnings.map((one) => (
                    <p key={one} className="notice notice--warning">
                        {t.link[one]}
                    </p>
                ))}
                <div className="actions__row">
                    <a
                        className="button button--primary"
                        href={url}
                        target="_blank"
                        rel="noopener noreferrer nofollow"
                        onClick={onClose}
                    >
                        {t.link.open}
                    </a>
                    <button type="button" className="button" onClick={onClose}>
                        {t.app.cancel}
                    </button>
                </div>
            </div>
        </Dialog>
    );
}
