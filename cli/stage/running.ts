import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import type { StripeSettings } from '../../lib/settings/stripe-environment.ts';

/*
 * The engine and the emulated Lambda listen on whatever ports were free, and so may the Stripe double. The running stack
 * notes them under its own port, so that the tools for this machine find them. A note left by a stack that was killed leads
 * to an engine that does not answer.
 */

const Note = z.object({
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
const noteOf = (port: number): string => join(tmpdir(), `rsolv-billing-${port}.json`);

/** Whose stack this is. */
export interface StackOwner {
  /** The process that started the stack. */
  readonly pid: number;
  /** The checkout that it runs. */
  readonly folder: string;
  readonly startedAt: string;
}

/** What a tool needs of a stack to do what its API does. */
export interface RunningStack {
  readonly owner?: StackOwner | undefined;
  /** The DynamoDB engine's. */
  readonly endpoint: string;
  /** Where its functions are invoked as with Lambda's own API. */
  readonly lambdaEndpoint: string;
  readonly stripe: StripeSettings;
}

/** Returns how to take the note away again. */
export function noteRunningStack(port: number, stack: RunningStack): () => void {
  const file = noteOf(port);
  const forget = () => rmSync(file, { force: true });
  // Made anew: a file that is there already would keep its owner and mode, and this one holds secrets.
  forget();
  writeFileSync(file, JSON.stringify(stack), { mode: 0o600, flag: 'wx' });
  return forget;
}

/** For people, in one line. */
export const describeOwner = ({ pid, folder, startedAt }: StackOwner): string =>
  `started from ${folder} by process ${pid} at ${startedAt}`;

/** Null when no stack has been started on this port. */
export function findRunningStack(port: number): RunningStack | null {
  try {
    return Note.parse(JSON.parse(readFileSync(noteOf(port), 'utf8')));
  } catch {
    return null;
  }
}

/** @throws SetupError when no stack has been started on this port */
export function runningStack(port: number): RunningStack {
  const stack = findRunningStack(port);
  if (stack === null) throw new SetupError(`No stack is running on port ${port}. Start one first: npm start`);
  return stack;
}
