/** The attempts of payments that people make by hand. The service numbers its own from 1. */
export const FIRST_ATTEMPT_BY_HAND = 900;
