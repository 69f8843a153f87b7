import { describe, expect, it } from "vitest";
import { decryptAttachment, encryptAttachment } from "./attachment-crypto.ts";

const plain = new TextEncoder().encode("chest film, supine");

describe("an encrypted attachment", () => {
    it("comes back as it was, under a new key each time", async () => {
        const [one, two] = await Promise.all([encryptAttachment(plain), encryptAttachment(plain)]);
        expect(await decryptAttachment(one.data, one.secrets)).toEqual(plain);
        expect(one.data).not.toEqual(plain);
        expect(one.secrets.key.k).not.toBe(two.secrets.key.k);
        expect(one.secrets.key.k).toMatch(/^[\w-]{43}$/);
    });

    it("is refused when it was changed on its way", async () => {
        const { data, secrets } = await encryptAttachment(plain);
        data[3] = (data[3] ?? 0) ^ 1;
        await expect(decryptAttachment(data, secrets)).rejects.toThrow("changed");
    });
});
