import { useEffect, useId, useRef, useState, type JSX, type KeyboardEvent, type PointerEvent } from "react";
import { t } from "../i18n/index.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { burn, cross, moved, tools, type Mark, type Tool } from "./markup.ts";

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
    /** A mark whose end is still to be said: by letting go, by a second tap, or by the keyboard. */
    const [drawing, setDrawing] = useState<Mark>();
    /** Where the keyboard points, while it does. */
    const [pointer, setPointer] = useState<Mark["to"]>();
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
        if (pointer) cross(context, pointer);
    }, [canvas, marks, drawing, pointer]);

    const at = (event: PointerEvent<HTMLCanvasElement>): { x: number; y: number } => {
        const box = event.currentTarget.getBoundingClientRect();
        return {
            x: ((event.clientX - box.left) / box.width) * canvas.width,
            y: ((event.clientY - box.top) / box.height) * canvas.height,
        };
    };
    /** Ends the mark there; nothing is one only where it began: its end is still to come. */
    const end = (to: Mark["to"]): void => {
        if (!drawing || Math.hypot(to.x - drawing.from.x, to.y - drawing.from.y) <= 4) return;
        setMarks([...marks, { ...drawing, to }]);
        setDrawing(undefined);
    };
    const keyDown = (event: KeyboardEvent): void => {
        const from = pointer ?? { x: canvas.width / 2, y: canvas.height / 2 };
        const to = moved(
            from,
            event.key,
            Math.max(canvas.width, canvas.height) / (event.shiftKey ? 100 : 20),
        );
        if (to) {
            const inside = {
                x: Math.min(Math.max(to.x, 0), canvas.width),
                y: Math.min(Math.max(to.y, 0), canvas.height),
            };
            setPointer(inside);
            if (drawing) setDrawing({ ...drawing, to: inside });
        } else if (event.key === "Enter" || event.key === " ") {
            setPointer(from);
            if (drawing) end(from);
            else setDrawing({ tool, from, to: from });
        } else if (event.key === "Escape" && drawing) setDrawing(undefined);
        else return;
        event.preventDefault();
    };
    const send = (): void => {
        const context = view.current?.getContext("2d");
        if (busy || !view.current || !context) return;
        // As it is without what is only begun, and without the sign of the keyboard.
        context.drawImage(canvas, 0, 0);
        for (const mark of marks) burn(context, mark);
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
                            onClick={() => {
                                setTool(one);
                                setDrawing(undefined);
                            }}
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
                    aria-describedby={`${id}-hint`}
                    tabIndex={0}
                    onPointerDown={(event) => {
                        event.currentTarget.setPointerCapture(event.pointerId);
                        setPointer(undefined);
                        if (drawing) setDrawing({ ...drawing, to: at(event) });
                        else setDrawing({ tool, from: at(event), to: at(event) });
                    }}
                    onPointerMove={(event) => drawing && setDrawing({ ...drawing, to: at(event) })}
                    onPointerUp={(event) => end(at(event))}
                    onPointerCancel={() => setDrawing(undefined)}
                    onKeyDown={keyDown}
                    onBlur={() => setPointer(undefined)}
                />
                <p className="muted" id={`${id}-hint`}>
                    {t.attachments.photoHint} {t.attachments.photoWays}
                </p>
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
