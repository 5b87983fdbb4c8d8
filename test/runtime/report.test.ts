import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import type { BusinessEvent } from '../../lib/runtime/business-events.ts';
import { report } from '../../lib/runtime/report.ts';
import { countedIn, heard } from '../support/counted.ts';

const Embedded = z.object({
  _aws: z.object({ CloudWatchMetrics: z.array(z.object({ Dimensions: z.array(z.array(z.string())) })) }),
});
const Line = z.looseObject({ level: z.string(), message: z.string() });

/** The metric, and the log line without the fields that every line has. */
async function told(happened: BusinessEvent) {
  const { lines } = await heard(async () => report(happened));
  const [line] = lines.filter((one) => !one.includes('"_aws"')).map((one) => Line.parse(JSON.parse(one)));
  return { counted: countedIn(lines), line };
}

describe('the reporter', () => {
  it('the reporter counts an event and logs a line with the facts under their stored names', async () => {
    const { counted, line } = await told({
      kind: 'fix_charged',
      customerId: 'c1',
      fixAttemptId: 'f1',
      paymentIntentId: 'pi_1',
      amountCents: 2_900,
    });
    expect(counted).toEqual(['FixCents', 'FixCharged']);
    expect(line).toMatchObject({
      level: 'INFO',
      message: 'fix_charged',
      customer_id: 'c1',
      fix_attempt_id: 'f1',
      payment_intent_id: 'pi_1',
      amount_cents: 2_900,
    });
  });

  it('the reporter logs no line if the line of the request is enough', async () => {
    const customer = { customerId: 'c1' };
    expect(await told({ kind: 'fix_billed', ...customer, fixAttemptId: 'f1' })).toEqual({
      counted: ['FixBilled'],
    });
    expect(await told({ kind: 'pro_subscribed', ...customer })).toEqual({ counted: ['ProSubscribed'] });
  });

  it('the reporter counts a large grant beside the adjustment, and one credit less only as an adjustment', async () => {
    const adjusted = (amount: number) => told({ kind: 'credits_adjusted', customerId: 'c1', amount });
    expect((await adjusted(1_001)).counted).toEqual(['CreditsAdjusted', 'LargeGrant']);
    expect((await adjusted(1_000)).counted).toEqual(['CreditsAdjusted']);
  });

  it('the reporter counts an end of Pro, and one without a planned end also as cancelled now', async () => {
    const ended = (how: 'as_planned' | 'now' | 'unpaid') =>
      told({ kind: 'pro_ended', customerId: 'c1', how });
    expect((await ended('as_planned')).counted).toEqual(['ProEnded']);
    expect((await ended('unpaid')).counted).toEqual(['ProEnded']);
    expect(await ended('now')).toMatchObject({
      counted: ['ProEnded', 'ProCancelledNow'],
      line: { message: 'pro_ended', customer_id: 'c1', how: 'now' },
    });
  });

  it.each([
    ['email_taken', 'SignUpTaken'],
    ['disposable_email', 'SignUpDisposable'],
    ['rate_limited', 'SignUpLimited'],
    ['malformed_json', 'SignUpInvalid'],
    ['invalid_request', 'SignUpInvalid'],
  ] as const)('the reporter counts a sign-up that was refused with %s as %s', async (code, metric) => {
    expect((await told({ kind: 'sign_up_refused', code })).counted).toEqual([metric]);
  });

  it('the reporter keeps the duration of each call to Stripe, in milliseconds, and counts the repeats', async () => {
    const { lines } = await heard(async () =>
      report({ kind: 'stripe_called', durationsMs: [120, 80.5, 300], retries: 1 }),
    );
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ StripeDuration: [120, 80.5, 300], StripeRetries: 1 }),
    ]);
    expect(lines.join()).toContain('{"Name":"StripeDuration","Unit":"Milliseconds"}');
  });

  it('the reporter warns about a parked event, and counts a paid invoice only when its event is processed', async () => {
    const event = {
      kind: 'event_received',
      eventId: 'evt_1',
      type: 'invoice.paid',
      reason: 'r',
      customerId: null,
    } as const;
    expect(await told({ ...event, outcome: 'parked' })).toMatchObject({
      counted: ['EventParked'],
      line: { level: 'WARN', message: 'event', outcome: 'parked', reason: 'r' },
    });
    expect(await told({ ...event, outcome: 'processed' })).toMatchObject({
      counted: ['EventProcessed', 'InvoicePaid'],
      line: { level: 'INFO' },
    });
  });

  it('the reporter also counts numbers that are 0, so that a graph shows that the check ran', async () => {
    const { counted } = await told({ kind: 'reconcile_completed', drift: 0, missed: 0 });
    expect(counted).toEqual(['Drift', 'MissedEvent', 'ReconcileCompleted']);
  });

  it('the reporter logs the message and stack of an error, without what an SDK attached', async () => {
    const error = Object.assign(new Error('no answer'), { request: 'secret' });
    const { line } = await told({ kind: 'customer_not_warned', customerId: 'c1', error });
    expect(line).toMatchObject({ level: 'ERROR', error: { message: 'no answer' } });
    expect(JSON.stringify(line)).not.toContain('secret');
  });

  it.each([
    ['7', [['service'], ['service', 'function_name', 'function_version']]],
    ['$LATEST', [['service']]],
  ])(
    'requests with a valid key are counted by version too, if the function has versions: %s',
    async (version, sets) => {
      vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'bill-fix-attempt');
      vi.stubEnv('AWS_LAMBDA_FUNCTION_VERSION', version);
      const dimensionsOf = async (event: BusinessEvent) => {
        const { lines } = await heard(async () => report(event));
        return lines.map((line) => Embedded.parse(JSON.parse(line))._aws.CloudWatchMetrics[0]?.Dimensions);
      };
      expect(await dimensionsOf({ kind: 'key_accepted', isRefused: true })).toEqual([sets]);
      expect(await dimensionsOf({ kind: 'defect' })).toEqual([[['service']]]);
      vi.unstubAllEnvs();
    },
  );
});
