import { create } from "zustand";

/** The request that somebody declines from its notification: they are still to say why. */
export const useDeclining = create<{ requestId: string | undefined }>(() => ({ requestId: undefined }));
