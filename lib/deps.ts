import type { Table } from './store/table.ts';

/** What an operation may reach besides its input. Tests pass their own clock, randomness and table. */
export interface Deps {
  readonly stage: string;
  readonly table: Table;
  readonly now: () => Date;
  /** From 0 up to but not including 1. */
  readonly random: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly sleep: (ms: number) => Promise<void>;
}
