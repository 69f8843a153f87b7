// A photo as a phone makes it: fine stripes to recognise, and where and with what it was taken.

/** Stands in the photo's Exif data. */
export const place = "RIVERSIDE-GPS-51.4988N";

/** A JPEG of 800 by 600 with an Exif segment that holds a GPS directory. */
export async function gpsTagged(page) {
    const base64 = await page.evaluate(() => {
        const canvas = document.createElement("canvas");
        canvas.width = 800;
        canvas.height = 600;
        const context = canvas.getContext("2d");
        for (let x = 0; x < 800; x += 8) {
            context.fillStyle = x % 16 === 0 ? "#000" : "#fff";
            context.fillRect(x, 0, 8, 600);
        }
        return canvas.toDataURL("image/jpeg", 0.9).split(",")[1];
    });
    const plain = Buffer.from(base64, "base64");
    return Buffer.concat([plain.subarray(0, 2), exif(), plain.subarray(2)]);
}

/** An APP1 segment: a TIFF header, a first directory that points to a GPS directory, that with a processing method. */
function exif() {
    const text = Buffer.from(`${place}\0`, "latin1");
    const tiff = Buffer.alloc(8 + 18 + 18);
    tiff.write("MM\0*", 0, "latin1");
    tiff.writeUInt32BE(8, 4);
    entry(tiff, 8, { tag: 0x8825, type: 4, count: 1, value: 26 });
    entry(tiff, 26, { tag: 0x001b, type: 7, count: text.length, value: 44 });
    const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), tiff, text]);
    const head = Buffer.alloc(4);
    head.writeUInt16BE(0xffe1, 0);
    head.writeUInt16BE(body.length + 2, 2);
    return Buffer.concat([head, body]);
}

/** A directory of one entry, and no next one. */
function entry(tiff, at, { tag, type, count, value }) {
    tiff.writeUInt16BE(1, at);
    tiff.writeUInt16BE(tag, at + 2);
    tiff.writeUInt16BE(type, at + 4);
    tiff.writeUInt32BE(count, at + 6);
    tiff.writeUInt32BE(value, at + 10);
}
