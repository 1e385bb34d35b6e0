/** Raised by every change of the stage that alters output for the same input. */
export const GENERATE_VERSION = 4

/** The stage as rejects name it. */
export const GENERATE = `generate@${GENERATE_VERSION}`
