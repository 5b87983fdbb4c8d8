/** What a list brings at most in one call. */
export const PAGE = 100;
/** Bounds every search; nobody has that many payments since an attempt, or lines on an invoice. */
export const MAX_FOUND = 1_000;
