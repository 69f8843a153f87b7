/** What a broadcast offers unless that is changed, in each language: wherever it was sent, everybody reads it in their own. */
export const usualReplies = {
    en: ["On my way", "Can come in … minutes", "Cannot"],
    cy: ["Ar fy ffordd", "Gallaf ddod ymhen … munud", "Methu"],
} as const;
