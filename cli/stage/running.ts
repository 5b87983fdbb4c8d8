import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import type { StripeSettings } from '../../lib/settings/stripe-environment.ts';

/*
 * The engine, the emulated Lambda and possibly the Stripe double listen on free ports. A running stack writes
 * their addresses to a state file named after its own port, where local tools find them. A killed stack
 * leaves a stale state file, whose engine does not answer.
 */

const StateFile = z.object({
  owner: z.optional(z.object({ pid: z.int(), folder: z.string(), startedAt: z.iso.datetime() })),
  endpoint: z.url(),
  lambdaEndpoint: z.url(),
  stripe: z.object({
    secretKey: z.string(),
    webhookSecrets: z.array(z.string()),
    apiBase: z.optional(z.string()),
    proPriceId: z.string(),
  }),
});
const stateFileOf = (port: number): string => join(tmpdir(), `rsolv-billing-${port}.json`);

/** Who started the stack. */
export interface StackOwner {
  /** The process that started the stack. */
  readonly pid: number;
  /** The checkout that it runs. */
  readonly folder: string;
  readonly startedAt: string;
}

/** The addresses of a running stack's parts, for local tools. */
export interface RunningStack {
  readonly owner?: StackOwner | undefined;
  /** The DynamoDB engine. */
  readonly endpoint: string;
  /** Speaks Lambda's API to invoke the functions. */
  readonly lambdaEndpoint: string;
  readonly stripe: StripeSettings;
}

/** Writes the state file. Returns a function that removes it. */
export function registerRunningStack(port: number, stack: RunningStack): () => void {
  const file = stateFileOf(port);
  const remove = () => rmSync(file, { force: true });
  // Recreated, because an existing file keeps its owner and mode, and the content is secret.
  remove();
  writeFileSync(file, JSON.stringify(stack), { mode: 0o600, flag: 'wx' });
  return remove;
}

/** For people, in one line. */
export const describeOwner = ({ pid, folder, startedAt }: StackOwner): string =>
  `started from ${folder} by process ${pid} at ${startedAt}`;

/** Null if no stack was started on this port. */
export function findRunningStack(port: number): RunningStack | null {
  try {
    return StateFile.parse(JSON.parse(readFileSync(stateFileOf(port), 'utf8')));
  } catch {
    return null;
  }
}

/** @throws SetupError if no stack was started on this port */
export function runningStack(port: number): RunningStack {
  const stack = findRunningStack(port);
  if (stack === null) throw new SetupError(`No stack is running on port ${port}. Start one first: npm start`);
  return stack;
}
