import { en } from "./en.ts";

/** The shape every language must fill; a Welsh catalogue is one more object of this type. */
export type Catalogue = typeof en;

/** The words on the screen. */
export const t: Catalogue = en;
