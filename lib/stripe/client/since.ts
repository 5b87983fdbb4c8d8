/** Clocks differ; what happened since a moment is looked for from a little before. */
const CLOCK_SKEW_SECONDS = 10 * 60;

/** In Stripe's seconds, from a little before. */
export const startOf = (since: Date): number => Math.floor(since.getTime() / 1000) - CLOCK_SKEW_SECONDS;
