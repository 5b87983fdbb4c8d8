import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import type { Failure } from '../terminal/failure.ts';
import type { Invoker } from './invoke.ts';
import type { RunningStack } from './running.ts';

export const STAGES = ['local', 'dev', 'staging', 'production'] as const;
export type StageName = (typeof STAGES)[number];

/** A stack on this machine: what a deployed stage has at AWS is in its note, or does not exist. */
export interface LocalStack extends RunningStack {
  /** Where its API is. */
  readonly url: string;
}

/**
 * A stage as an operator reaches it: reads go to the table with the operator's own rights, and so do questions to Stripe.
 * Functions do what writes, so no operator needs the right to write.
 */
export interface Stage {
  readonly name: StageName;
  /** Null where the stage is deployed. */
  readonly local: LocalStack | null;
  readonly deps: PaymentDeps;
  readonly functions: Invoker;
  /** The failure in the words of this stage. */
  explain(failure: Failure): Failure;
  close(): void;
}
