import * as z from 'zod/mini';
import { Report } from '../operations/reconcile/stored-run.ts';
import type { OperatorContract } from './contract.ts';

const MAX_BUDGET_SECONDS = 13 * 60;

export const RunName = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'must be 1 to 64 letters, digits and _.-'));

/**
 * An operator names the run. An unfinished run continues; a finished run returns its report. Repeat the call
 * until the run is done.
 */
export const reconcileContract = {
  name: 'reconcile',
  input: z.strictObject({
    run: RunName,
    /** How long to run before answering; 13 minutes by default. */
    budget_seconds: z.optional(z.int().check(z.minimum(1), z.maximum(MAX_BUDGET_SECONDS))),
    /** Whether a new run includes the last 10 minutes. By default they are left to Stripe's own delivery. */
    up_to_now: z.optional(z.boolean()),
  }),
  result: z.object({ run: z.string(), done: z.boolean(), report: Report }),
} as const satisfies OperatorContract;

/** The event that EventBridge sends on schedule. */
export const ScheduledEvent = z.looseObject({
  source: z.literal('aws.events'),
  'detail-type': z.literal('Scheduled Event'),
});
