/** A surviving mutant, and the reason why no test must catch it. */
export interface Explained {
  readonly file: string;
  readonly mutator: string;
  /** The original and the mutated code. White space is collapsed to one blank. */
  readonly from: string;
  readonly to: string;
  readonly why: string;
  /** The number of places in the file. Default: 1. */
  readonly times?: number;
}
