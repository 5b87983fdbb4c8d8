import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import type { Failure } from '../terminal/failure.ts';
import type { Invoker } from './invoke.ts';
import type { RunningStack } from './running.ts';

export const STAGES = ['local', 'dev', 'staging', 'production'] as const;
export type StageName = (typeof STAGES)[number];

/**
 * A local stack. Its state file names everything that a deployed stage has at AWS. The rest does not exist.
 */
export interface LocalStack extends RunningStack {
  /** The address of the API. */
  readonly url: string;
}

/**
 * A stage as an operator reaches it. Reads of the table and of Stripe use the operator's own permissions.
 * Functions do every write, so operators need no write permission.
 */
export interface Stage {
  readonly name: StageName;
  /** Null for a deployed stage. */
  readonly local: LocalStack | null;
  readonly deps: PaymentDeps;
  readonly functions: Invoker;
  /** Rewrites a failure with the details of this stage. */
  explain(failure: Failure): Failure;
  close(): void;
}
