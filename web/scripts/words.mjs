// Every word on the screen stands in the catalogues of `src/i18n`, and no style knows left from right: fails where one does not.
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseAst } from "vite";

const src = new URL("../src", import.meta.url).pathname;
/** Attributes that somebody sees or hears. */
const spoken = new Set([
    "aria-label",
    "aria-description",
    "aria-roledescription",
    "alt",
    "label",
    "placeholder",
    "title",
]);
/** Parts of a style sheet that stay on one side of the screen whichever way writing runs. */
const sided =
    /(?:margin|padding|border)-(?:left|right)|border-(?:top|bottom)-(?:left|right)-radius|(?:^|[\s;{])(?:left|right)\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right)/;

/** A word is two letters or more; signs and single letters are no language. */
const isWord = (text) => /\p{L}{2}/u.test(text);

/** The literal texts that an expression may give. */
function texts(node) {
    switch (node?.type) {
        case "Literal":
            return typeof node.value === "string" ? [node] : [];
        case "TemplateLiteral":
            return node.quasis.filter(({ value }) => isWord(value.cooked ?? ""));
        case "ConditionalExpression":
            return [...texts(node.consequent), ...texts(node.alternate)];
        case "LogicalExpression":
            return [...texts(node.left), ...texts(node.right)];
        case "BinaryExpression":
            return node.operator === "+" ? [...texts(node.left), ...texts(node.right)] : [];
        case "JSXExpressionContainer":
            return texts(node.expression);
        default:
            return [];
    }
}

function textOf(node) {
    return node.type === "TemplateElement" ? node.value.cooked : String(node.value);
}

/** Every literal in a syntax tree that ends on the screen. */
function* literals(node) {
    if (Array.isArray(node)) {
        for (const one of node) yield* literals(one);
        return;
    }
    if (typeof node?.type !== "string") return;
    if (node.type === "JSXText" && isWord(node.value)) yield node;
    if (node.type === "JSXElement" || node.type === "JSXFragment")
        for (const child of node.children)
            if (child.type === "JSXExpressionContainer")
                yield* texts(child).filter((one) => isWord(textOf(one)));
    if (node.type === "JSXAttribute" && spoken.has(node.name.name))
        yield* texts(node.value).filter((one) => isWord(textOf(one)));
    for (const [key, value] of Object.entries(node)) if (key !== "parent") yield* literals(value);
}

const files = (await readdir(src, { recursive: true })).map((name) => join(src, name));
const problems = [];
for (const file of files) {
    const place = relative(join(src, ".."), file);
    if (file.endsWith(".tsx") && !file.endsWith(".test.tsx") && !place.startsWith("src/workbench/")) {
        const text = await readFile(file, "utf8");
        for (const node of literals(parseAst(text, { lang: "tsx" }, file))) {
            const line = text.slice(0, node.start).split("\n").length;
            problems.push(`${place}:${line}: "${textOf(node).trim()}" belongs into src/i18n`);
        }
    }
    if (file.endsWith(".css"))
        for (const [index, line] of (await readFile(file, "utf8")).split("\n").entries())
            if (sided.test(line))
                problems.push(`${place}:${index + 1}: "${line.trim()}" knows left from right`);
}
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);
