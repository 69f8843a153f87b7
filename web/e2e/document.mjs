// A PDF of two pages with words on them, as a discharge letter is one.

/** The bytes of a PDF whose pages say `lines`, one each. */
export function pdf(lines) {
    const objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        `<< /Type /Pages /Kids [${lines.map((_, n) => `${4 + 2 * n} 0 R`).join(" ")}] /Count ${lines.length} >>`,
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ];
    for (const [n, line] of lines.entries()) {
        const content = `BT /F1 24 Tf 60 720 Td (${line}) Tj ET 60 640 400 4 re f`;
        objects.push(
            `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${5 + 2 * n} 0 R ` +
                "/Resources << /Font << /F1 3 0 R >> >> >>",
            `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
        );
    }
    let text = "%PDF-1.4\n";
    const places = objects.map((object, n) => {
        const place = text.length;
        text += `${n + 1} 0 obj\n${object}\nendobj\n`;
        return place;
    });
    const start = text.length;
    const rows = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
    text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`;
    text += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
    return Buffer.from(text, "latin1");
}
