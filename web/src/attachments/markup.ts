/** Marks on a photo, in its own pixels. They are burned in when it is sent: nothing lies over anything that could be lifted off. */

export const tools = ["arrow", "circle", "hide"] as const;
export type Tool = (typeof tools)[number];

export interface Mark {
    tool: Tool;
    from: { x: number; y: number };
    to: { x: number; y: number };
}

/** Blocks of this share of the longer edge: large enough that a face or a wristband cannot be read. */
const BLOCK_SHARE = 1 / 32;
/** At most this many blocks along the longer side of what is hidden. */
const MOST_BLOCKS = 8;

/** The rectangle between two corners, inside the picture, in whole pixels. */
export function area(mark: Mark, width: number, height: number): [number, number, number, number] {
    const clamp = (value: number, most: number): number => Math.min(most, Math.max(0, Math.round(value)));
    const left = clamp(Math.min(mark.from.x, mark.to.x), width);
    const top = clamp(Math.min(mark.from.y, mark.to.y), height);
    const right = clamp(Math.max(mark.from.x, mark.to.x), width);
    const bottom = clamp(Math.max(mark.from.y, mark.to.y), height);
    return [left, top, right - left, bottom - top];
}

/** The two points of an arrow's head besides its tip. */
export function arrowHead({ from, to }: Mark, length: number): [number, number, number, number] {
    const angle = Math.atan2(to.y - from.y, to.x - from.x);
    const side = (turn: number): [number, number] => [
        to.x - length * Math.cos(angle + turn),
        to.y - length * Math.sin(angle + turn),
    ];
    return [...side(Math.PI / 6), ...side(-Math.PI / 6)];
}

/** Draws one mark onto the picture itself. */
export function burn(context: CanvasRenderingContext2D, mark: Mark): void {
    const { width, height } = context.canvas;
    if (mark.tool === "hide") {
        hide(context, area(mark, width, height));
        return;
    }
    const thickness = Math.max(4, Math.max(width, height) / 160);
    const path = new Path2D();
    if (mark.tool === "arrow") {
        const [x1, y1, x2, y2] = arrowHead(mark, thickness * 5);
        path.moveTo(mark.from.x, mark.from.y);
        path.lineTo(mark.to.x, mark.to.y);
        path.moveTo(x1, y1);
        path.lineTo(mark.to.x, mark.to.y);
        path.lineTo(x2, y2);
    } else {
        const [x, y, w, h] = area(mark, width, height);
        path.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, 2 * Math.PI);
    }
    context.lineCap = "round";
    context.lineJoin = "round";
    // Yellow with a black edge: seen on skin, on film and on paper.
    context.strokeStyle = "#212b32";
    context.lineWidth = thickness * 1.8;
    context.stroke(path);
    context.strokeStyle = "#ffeb3b";
    context.lineWidth = thickness;
    context.stroke(path);
}

/**
 * Every block becomes one colour, the mean of its pixels. There are so few blocks, however large the area, that neither
 * words nor a face can be worked out from them.
 */
function hide(context: CanvasRenderingContext2D, [x, y, w, h]: [number, number, number, number]): void {
    if (w < 1 || h < 1) return;
    const longer = Math.max(context.canvas.width, context.canvas.height);
    const block = Math.max(12, longer * BLOCK_SHARE, Math.max(w, h) / MOST_BLOCKS);
    const small = document.createElement("canvas");
    small.width = Math.max(1, Math.ceil(w / block));
    small.height = Math.max(1, Math.ceil(h / block));
    const mean = small.getContext("2d");
    if (!mean) return;
    mean.imageSmoothingQuality = "high";
    mean.drawImage(context.canvas, x, y, w, h, 0, 0, small.width, small.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, small.width, small.height, x, y, w, h);
    context.imageSmoothingEnabled = true;
}

/** The point one step from `from` in the direction of an arrow key; `undefined` for any other key. */
export function moved({ x, y }: Mark["to"], key: string, step: number): Mark["to"] | undefined {
    switch (key) {
        case "ArrowLeft":
            return { x: x - step, y };
        case "ArrowRight":
            return { x: x + step, y };
        case "ArrowUp":
            return { x, y: y - step };
        case "ArrowDown":
            return { x, y: y + step };
        default:
            return undefined;
    }
}

/** Shows where the keyboard points: black in white, to be seen on everything. */
export function cross(context: CanvasRenderingContext2D, { x, y }: Mark["to"]): void {
    const arm = Math.max(context.canvas.width, context.canvas.height) / 30;
    context.save();
    for (const [width, colour] of [
        [arm / 3, "#fff"],
        [arm / 8, "#000"],
    ] as const) {
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.beginPath();
        context.moveTo(x - arm, y);
        context.lineTo(x + arm, y);
        context.moveTo(x, y - arm);
        context.lineTo(x, y + arm);
        context.stroke();
    }
    context.restore();
}
