import {
    getDocument,
    PDFWorker,
    type PDFDocumentProxy,
    type PDFPageProxy,
} from "pdfjs-dist/legacy/build/pdf.mjs";
import workerFile from "pdfjs-dist/legacy/build/pdf.worker.min.mjs?url";
import { useEffect, useRef, useState, type JSX } from "react";
import { t } from "../i18n/index.ts";
import type { Media } from "../matrix/media.ts";
import { useSession } from "../session/store.ts";
import { Icon } from "../ui/Icon.tsx";
import { scriptAddress } from "../ui/trusted.ts";
import { useSeen } from "./use-picture.ts";

const STEP = 1.25;
const MOST = 4;
/** No page is drawn with more pixels than this: a phone has not the memory. */
const MOST_PIXELS = 8_000_000;

type Problem = "failed" | "locked";

interface DocumentViewerProps {
    media: Media;
    /** Hands the document to the device. */
    onSave: () => void;
    onClose: () => void;
}

/** A PDF on the whole screen, page under page, drawn on this device from the decrypted bytes. */
export default function DocumentViewer({ media, onSave, onClose }: DocumentViewerProps): JSX.Element {
    const element = useRef<HTMLDialogElement>(null);
    const { pages, share, problem } = usePages(media);
    const [zoom, setZoom] = useState(1);
    useEffect(() => {
        const dialog = element.current;
        const key = (event: KeyboardEvent): void => {
            if (event.key === "+" || event.key === "=") setZoom((now) => Math.min(MOST, now * STEP));
            else if (event.key === "-") setZoom((now) => Math.max(1, now / STEP));
            else if (event.key === "0") setZoom(1);
        };
        dialog?.showModal();
        dialog?.addEventListener("keydown", key);
        return () => {
            dialog?.removeEventListener("keydown", key);
            dialog?.close();
        };
    }, []);
    const button = (
        icon: "minus" | "plus" | "download" | "close",
        label: string,
        act: () => void,
    ): JSX.Element => (
        <button type="button" className="icon-button" aria-label={label} onClick={act}>
            <Icon name={icon} />
        </button>
    );
    return (
        <dialog
            ref={element}
            className="viewer"
            aria-label={media.name}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
        >
            <div className="viewer__bar">
                <p>{media.name}</p>
                {button("minus", t.attachments.zoomOut, () => setZoom(Math.max(1, zoom / STEP)))}
                {button("plus", t.attachments.zoomIn, () => setZoom(Math.min(MOST, zoom * STEP)))}
                {button("download", t.attachments.download(media.name), onSave)}
                {button("close", t.app.close, onClose)}
            </div>
            {problem === undefined && !pages && (
                <progress
                    className="viewer__progress"
                    {...(share < 1 && { value: share })}
                    max={1}
                    aria-label={t.document.fetching}
                />
            )}
            {problem !== undefined && (
                <p className="viewer__problem" role="alert">
                    {t.document[problem]}
                </p>
            )}
            <div
                className="viewer__scroll viewer__pages"
                tabIndex={0}
                role="document"
                aria-label={media.name}
            >
                {pages?.map((page) => (
                    <Page key={page.pageNumber} page={page} of={pages.length} zoom={zoom} />
                ))}
            </div>
        </dialog>
    );
}

/** Fetches and opens; whoever closes stops both. */
function usePages(media: Media): { pages?: PDFPageProxy[]; share: number; problem?: Problem } {
    const store = useSession((session) => session.media);
    const [state, setState] = useState<{ pages?: PDFPageProxy[]; problem?: Problem }>({});
    const [share, setShare] = useState(0);
    const { file } = media;
    useEffect(() => {
        const controller = new AbortController();
        const { signal } = controller;
        const worker = new Worker(scriptAddress(workerFile), { type: "module" });
        let opened: PDFDocumentProxy | undefined;
        const open = async (): Promise<void> => {
            const data = await store?.open(file, { signal, onProgress: setShare });
            if (!data || signal.aborted) return;
            opened = await getDocument({
                data,
                worker: PDFWorker.create({ port: worker }),
                // Nothing in a document is ever run, and nothing is fetched from anywhere but our own files.
                isEvalSupported: false,
                enableXfa: false,
                useSystemFonts: true,
                wasmUrl: new URL("/pdf/", location.origin).href,
            }).promise;
            const document = opened;
            const numbers = Array.from({ length: document.numPages }, (_, index) => index + 1);
            const pages = await Promise.all(numbers.map((number) => document.getPage(number)));
            if (!signal.aborted) setState({ pages });
        };
        open().catch((error: unknown) => {
            if (signal.aborted) return;
            const locked = error instanceof Error && error.name === "PasswordException";
            setState({ problem: locked ? "locked" : "failed" });
        });
        return () => {
            controller.abort();
            void opened?.destroy().finally(() => worker.terminate());
            if (!opened) worker.terminate();
        };
    }, [store, file]);
    return { ...state, share };
}

interface PageProps {
    page: PDFPageProxy;
    of: number;
    zoom: number;
}

/** One page, drawn when it comes near the screen; its words for those who hear them. */
function Page({ page, of, zoom }: PageProps): JSX.Element {
    const box = useRef<HTMLDivElement>(null);
    const canvas = useRef<HTMLCanvasElement>(null);
    const seen = useSeen(box);
    const [text, setText] = useState("");
    const { width, height } = page.getViewport({ scale: 1 });
    useEffect(() => {
        const target = canvas.current;
        const room = box.current?.clientWidth;
        if (!seen || !target || room === undefined) return undefined;
        const wanted = (room / width) * window.devicePixelRatio;
        const scale = Math.min(wanted, Math.sqrt(MOST_PIXELS / (width * height)));
        const viewport = page.getViewport({ scale });
        target.width = Math.floor(viewport.width);
        target.height = Math.floor(viewport.height);
        const task = page.render({ canvas: target, viewport });
        task.promise.catch(() => undefined);
        return () => task.cancel();
    }, [page, seen, zoom, width, height]);
    useEffect(() => {
        if (!seen) return;
        void page
            .getTextContent()
            .then(({ items }) =>
                setText(
                    items.map((item) => ("str" in item ? item.str + (item.hasEOL ? "\n" : "") : "")).join(""),
                ),
            )
            .catch(() => undefined);
    }, [page, seen]);
    return (
        <div
            ref={box}
            className="viewer__page"
            style={{ width: `${zoom * 100}%`, aspectRatio: `${width} / ${height}` }}
            role="group"
            aria-label={t.document.page(page.pageNumber, of)}
        >
            <canvas ref={canvas} aria-hidden="true" />
            <p className="visually-hidden">{text}</p>
        </div>
    );
}
