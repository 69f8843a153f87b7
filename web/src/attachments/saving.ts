/** Files on their way to the device: they go on while the conversation is scrolled or another is read, and are shown wherever they stand. */
import { create } from "zustand";
import type { Media } from "../matrix/media.ts";
import { useSession } from "../session/store.ts";

/** One file that is fetched, or could not be. */
interface Saving {
    /** How much has arrived, 0 to 1; `undefined` when nothing is being fetched. */
    share?: number | undefined;
    failed?: boolean | undefined;
}

/** By the address of the file. */
const useSavings = create<Record<string, Saving>>(() => ({}));
const running = new Map<string, AbortController>();
const nothing: Saving = {};

// Whoever locks or leaves has nothing handed to the device afterwards.
useSession.subscribe(({ phase }) => {
    if (phase === "running") return;
    for (const controller of running.values()) controller.abort();
    if (Object.keys(useSavings.getState()).length > 0) useSavings.setState({}, true);
});

function save(blob: Blob, name: string): void {
    const href = URL.createObjectURL(blob);
    Object.assign(document.createElement("a"), { href, download: name }).click();
    // The browser has taken the address over by then.
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

async function fetchAndSave({ file, name }: Media): Promise<void> {
    const store = useSession.getState().media;
    if (!store || running.has(file.url)) return;
    const controller = new AbortController();
    running.set(file.url, controller);
    const { signal } = controller;
    const show = (saving: Saving): void => {
        if (!signal.aborted) useSavings.setState({ [file.url]: saving });
    };
    show({ share: 0 });
    try {
        const bytes = await store.open(file, { signal, onProgress: (share) => show({ share }) });
        if (!signal.aborted) save(new Blob([bytes], { type: "application/octet-stream" }), name);
        show(nothing);
    } catch {
        show({ failed: true });
    }
    if (running.get(file.url) === controller) running.delete(file.url);
}

function stop(url: string): void {
    running.get(url)?.abort();
    running.delete(url);
    useSavings.setState({ [url]: nothing });
}

/** How far a file is; fetches it and hands it to the device, or stops that. What has arrived is kept for the next time. */
export function useSaving(media: Media): Saving & { start: () => void; stop: () => void } {
    const saving = useSavings((all) => all[media.file.url]) ?? nothing;
    return { ...saving, start: () => void fetchAndSave(media), stop: () => stop(media.file.url) };
}
