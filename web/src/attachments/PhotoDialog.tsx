import { useEffect, useId, useRef, useState, type JSX, type PointerEvent } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { burn, tools, type Mark, type Tool } from "./markup.ts";

interface PhotoDialogProps {
    /** The photo; it is not changed. */
    canvas: HTMLCanvasElement;
    onSend: (canvas: HTMLCanvasElement, caption: string) => Promise<void>;
    onClose: () => void;
}

/** A photo before it is sent: arrows, circles, hidden parts, a caption. */
export function PhotoDialog({ canvas, onSend, onClose }: PhotoDialogProps): JSX.Element {
    const view = useRef<HTMLCanvasElement>(null);
    const [marks, setMarks] = useState<Mark[]>([]);
    const [drawing, setDrawing] = useState<Mark>();
    const [tool, setTool] = useState<Tool>("arrow");
    const [caption, setCaption] = useState("");
    const [busy, setBusy] = useState(false);
    const [full, setFull] = useState(false);
    const id = useId();

    useEffect(() => {
        const context = view.current?.getContext("2d");
        if (!context) return;
        context.drawImage(canvas, 0, 0);
        for (const mark of drawing ? [...marks, drawing] : marks) burn(context, mark);
    }, [canvas, marks, drawing]);

    const at = (event: PointerEvent<HTMLCanvasElement>): { x: number; y: number } => {
        const box = event.currentTarget.getBoundingClientRect();
        return {
            x: ((event.clientX - box.left) / box.width) * canvas.width,
            y: ((event.clientY - box.top) / box.height) * canvas.height,
        };
    };
    const end = (to: Mark["to"]): void => {
        // A touch without a movement marks nothing.
        if (drawing && Math.hypot(to.x - drawing.from.x, to.y - drawing.from.y) > 4)
            setMarks([...marks, { ...drawing, to }]);
        setDrawing(undefined);
    };
    const send = (): void => {
        if (busy || !view.current) return;
        setBusy(true);
        onSend(view.current, caption.trim()).catch(() => {
            setBusy(false);
            setFull(true);
        });
    };
    return (
        <Dialog title={t.attachments.photo} onClose={onClose} wide>
            <div className="photo">
                <div className="chips" role="group" aria-label={t.attachments.tools}>
                    {tools.map((one) => (
                        <button
                            key={one}
                            type="button"
                            className="chip"
                            aria-pressed={tool === one}
                            onClick={() => setTool(one)}
                        >
                            {t.attachments.toolNames[one]}
                        </button>
                    ))}
                    <button
                        type="button"
                        className="chip"
                        aria-disabled={marks.length === 0}
                        onClick={() => setMarks(marks.slice(0, -1))}
                    >
                        {t.attachments.undo}
                    </button>
                </div>
                <canvas
                    ref={view}
                    className="photo__canvas"
                    width={canvas.width}
                    height={canvas.height}
                    role="img"
                    aria-label={t.attachments.photoMarks(marks.length)}
                    onPointerDown={(event) => {
                        event.currentTarget.setPointerCapture(event.pointerId);
                        setDrawing({ tool, from: at(event), to: at(event) });
                    }}
                    onPointerMove={(event) => drawing && setDrawing({ ...drawing, to: at(event) })}
                    onPointerUp={(event) => end(at(event))}
                    onPointerCancel={() => setDrawing(undefined)}
                />
                <p className="muted">{t.attachments.photoHint}</p>
                <label htmlFor={id}>{t.attachments.caption}</label>
                <input
                    autoComplete="off"
                    id={id}
                    value={caption}
                    onChange={(event) => setCaption(event.target.value)}
                />
                {full && (
                    <p className="notice notice--error" role="alert">
                        {t.outbox.full}
                    </p>
                )}
                <button type="button" className="button button--primary" aria-disabled={busy} onClick={send}>
                    {busy ? t.attachments.preparing : t.attachments.send}
                </button>
            </div>
        </Dialog>
    );
}
