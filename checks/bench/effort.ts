/** How much is measured: little for the check of each change, more for a report. */
export interface Effort {
  readonly throughputRounds: number;
  /** Starts of each function, of its earlier self and of its baseline. */
  readonly startUpRounds: number;
  readonly sideBySideRounds: number;
  /** The crowd sizes, and how often each is measured. */
  readonly crowds: readonly { readonly fixes: number; readonly repetitions: number }[];
  /** Whether the growth series use their full reach. */
  readonly full: boolean;
}

/** The budgets are on the means of crowds of 10 and of 100. A crowd of 200 takes seconds. */
export const USUAL: Effort = {
  throughputRounds: 12,
  startUpRounds: 7,
  sideBySideRounds: 6,
  crowds: [
    { fixes: 1, repetitions: 5 },
    { fixes: 2, repetitions: 10 },
    { fixes: 5, repetitions: 10 },
    { fixes: 10, repetitions: 20 },
    { fixes: 20, repetitions: 5 },
    { fixes: 50, repetitions: 3 },
    { fixes: 100, repetitions: 5 },
    { fixes: 200, repetitions: 1 },
  ],
  full: false,
};

export const THOROUGH: Effort = {
  throughputRounds: 24,
  startUpRounds: 11,
  sideBySideRounds: 14,
  crowds: USUAL.crowds.map(({ fixes, repetitions }) => ({ fixes, repetitions: 3 * repetitions })),
  full: true,
};
