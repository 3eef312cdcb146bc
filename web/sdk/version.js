// @ts-check
/** The version of this SDK; the same as that of the server that serves it. */
export const VERSION = '0.1.0';
/** Counts releases. */
export const BUILD = 1;
