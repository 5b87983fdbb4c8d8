/** Clocks differ, so a search starts a little before the given moment. */
const CLOCK_SKEW_SECONDS = 10 * 60;

/** Unix seconds, a little before the moment. */
export const startOf = (since: Date): number => Math.floor(since.getTime() / 1000) - CLOCK_SKEW_SECONDS;
