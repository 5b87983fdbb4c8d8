import * as z from 'zod/mini';
import { Report } from '../operations/reconcile/stored-run.ts';
import type { OperatorContract } from './contract.ts';

const MAX_BUDGET_SECONDS = 13 * 60;

export const RunName = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'must be 1 to 64 letters, digits and _.-'));

/**
 * An operator names the run: one that was begun is taken up where it stands, one that is finished is answered. Until it is
 * done, the same call goes on.
 */
export const reconcileContract = {
  name: 'reconcile',
  input: z.strictObject({
    run: RunName,
    /** How long to go on before answering how far it is; 13 minutes. */
    budget_seconds: z.optional(z.int().check(z.minimum(1), z.maximum(MAX_BUDGET_SECONDS))),
    /** Whether a new run looks at the last 10 minutes too, and does not leave them to Stripe's own delivery. */
    up_to_now: z.optional(z.boolean()),
  }),
  result: z.object({ run: z.string(), done: z.boolean(), report: Report }),
} as const satisfies OperatorContract;

/** What EventBridge sends when it is time. */
export const ScheduledEvent = z.looseObject({
  source: z.literal('aws.events'),
  'detail-type': z.literal('Scheduled Event'),
});
