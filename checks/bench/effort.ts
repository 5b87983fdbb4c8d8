/** How much is measured: as much as a check of every change has time for, or as much as is worth writing down. */
export interface Effort {
  readonly throughputRounds: number;
  /** Starts of each function, and as many of its baseline. */
  readonly startUpPairs: number;
  /** How often each crowd is measured. */
  readonly crowds: readonly { readonly fixes: number; readonly repetitions: number }[];
  /** Whether growth is followed further. */
  readonly full: boolean;
}

/** The budgets are on the means of 10 and of 100; a crowd of 200 takes seconds. */
export const USUAL: Effort = {
  throughputRounds: 12,
  startUpPairs: 15,
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
  startUpPairs: 31,
  crowds: USUAL.crowds.map(({ fixes, repetitions }) => ({ fixes, repetitions: 3 * repetitions })),
  full: true,
};
