import type { MatrixClient } from "matrix-js-sdk";
import { create } from "zustand";
import { encryptAttachment } from "./attachment-crypto.ts";
import type { QueuedAttachment } from "./outbox-logic.ts";
import type { Vault } from "./vault.ts";

/** What goes with a message: the file, and for a picture a small one. */
export interface Files {
    full: Blob;
    thumbnail?: Blob | undefined;
}

/** How much of each attachment has been sent, 0 to 1, by transaction id; for the screens. */
export const useUploads = create<{ shares: Record<string, number | undefined> }>(() => ({ shares: {} }));

function tell(txnId: string, share: number | undefined): void {
    useUploads.setState(({ shares }) => ({ shares: { ...shares, [txnId]: share } }));
}

/** Where the files of a message are kept. */
export function filesOf(txnId: string): Required<QueuedAttachment> {
    return { full: `file:${txnId}:full`, thumbnail: `file:${txnId}:thumbnail` };
}

/** Puts the files into the vault, where they wait (encrypted) until the server has them. */
export async function storeFiles(vault: Vault, txnId: string, files: Files): Promise<QueuedAttachment> {
    const store = async (name: string, blob: Blob): Promise<string> => {
        await vault.putBytes(name, new Uint8Array(await blob.arrayBuffer()));
        return name;
    };
    const names = filesOf(txnId);
    return {
        full: await store(names.full, files.full),
        thumbnail: files.thumbnail && (await store(`file:${txnId}:thumbnail`, files.thumbnail)),
    };
}

/** Encrypts and uploads the files of the outbox. The server gets ciphertext without name or type. */
export class Uploads {
    private readonly running = new Map<string, AbortController>();

    constructor(
        private readonly client: MatrixClient,
        private readonly vault: Vault,
    ) {}

    /** The message's content with the addresses and keys of its files. Throws like any failed request. */
    async run(
        txnId: string,
        content: Record<string, unknown>,
        attachment: QueuedAttachment,
    ): Promise<Record<string, unknown>> {
        const controller = new AbortController();
        this.running.set(txnId, controller);
        try {
            const thumbnail =
                attachment.thumbnail === undefined
                    ? undefined
                    : await this.upload(attachment.thumbnail, controller);
            const file = await this.upload(attachment.full, controller, (share) => tell(txnId, share));
            const info = content["info"] as Record<string, unknown> | undefined;
            return { ...content, file, info: thumbnail ? { ...info, thumbnail_file: thumbnail } : info };
        } finally {
            this.running.delete(txnId);
            tell(txnId, undefined);
        }
    }

    /** Stops an upload; it ends as if the connection had been lost. */
    cancel(txnId: string): void {
        this.running.get(txnId)?.abort();
    }

    /** Removes the files from this device. */
    async forget({ full, thumbnail }: QueuedAttachment): Promise<void> {
        await this.vault.remove(full);
        if (thumbnail !== undefined) await this.vault.remove(thumbnail);
    }

    private async upload(
        record: string,
        abortController: AbortController,
        onShare?: (share: number) => void,
    ): Promise<object> {
        const plain = await this.vault.getBytes(record);
        // A file that cannot be opened any more will not come back: a refusal, not something to try again.
        if (!plain) throw Object.assign(new Error("the file is no longer on this device"), { status: 410 });
        const { data, secrets } = await encryptAttachment(plain);
        const { content_uri: url } = await this.client.uploadContent(new Blob([data]), {
            type: "application/octet-stream",
            includeFilename: false,
            abortController,
            progressHandler: ({ loaded, total }) => onShare?.(total > 0 ? loaded / total : 0),
        });
        return { ...secrets, url };
    }
}
