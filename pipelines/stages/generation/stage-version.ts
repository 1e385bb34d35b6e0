/** Raised by every change of the stage that alters output for the same input. */
export const GENERATE_VERSION = 5

/** The stage as rejects name it. */
export const GENERATE = `generate@${GENERATE_VERSION}`
