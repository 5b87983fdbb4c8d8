import type { Double } from '../../../local/stripe-double/double.ts';

/** The service stops returning a payment after this many failed refunds of its own. */
const MAX_FAILED = 2;

/**
 * Second payments of fixes that only a person can return, read from Stripe's objects: a refund failed, or a
 * dispute closed, after which Stripe rejects refunds. They stay open with an alarm, and the auditor reports
 * the missing money.
 */
export function forPeople({ refunds, disputes, paymentIntents }: Double['state']): ReadonlySet<string> {
  const failed = new Map<string, number>();
  for (const { payment_intent: intent, status } of refunds.newestFirst)
    if (status === 'failed' || status === 'canceled')
      failed.set(String(intent), (failed.get(String(intent)) ?? 0) + 1);
  const disputed = new Set(disputes.newestFirst.map(({ payment_intent: intent }) => String(intent)));
  return new Set(
    paymentIntents.newestFirst
      .filter(({ metadata }) => metadata['purpose'] === 'fix')
      .map(({ id }) => id)
      .filter((id) => (failed.get(id) ?? 0) >= MAX_FAILED || disputed.has(id)),
  );
}
