import type { StripeLine } from '../../../lib/stripe/sdk.ts';
import type { Double } from '../../../local/stripe-double/double.ts';
import type { FaultInput } from '../../../local/stripe-double/faults.ts';
import type { Reply } from '../../../local/stripe-double/http/exchange.ts';
import { type Ask, httpClientOf, routesOf } from '../../../test/support/stripe-in-process.ts';
import { latencyMs } from '../latency.ts';
import type { Actor, Scheduler } from '../scheduler.ts';

/** Like the SDK in the service: one retry with the same idempotency key. */
const TRIES = 2;
const REPEATED_AFTER_MS = 500;
const SILENCE_MS = 10_000;

const KINDS = {
  '409': 1,
  '429': 2,
  '500_before': 2,
  '500_after': 3,
  drop_before: 2,
  drop_after: 4,
} as const satisfies Partial<Record<FaultInput['kind'], number>>;

/**
 * Carries the SDK's requests to the double in this process. Requests are randomly delayed, lost or rejected.
 */
export function stripeLine(
  double: Double,
  scheduler: Scheduler,
  onAnswered: (method: string, path: string, outcome: string) => void,
  isOutFor: (actor: Actor, method: string) => boolean,
): StripeLine {
  const send = routesOf(double);

  const once: Ask = async (method, path, headers, body) => {
    const { actor } = scheduler;
    if (actor === undefined) return send(method, path, headers, body);
    await scheduler.wait(latencyMs(actor.random));
    const isOut = isOutFor(actor, method);
    if (isOut) double.faults.add({ path: '/**', kind: 'drop_before' });
    const hasFault = !isOut && actor.faults !== null && actor.random.chance(actor.faults.stripe);
    if (hasFault) double.faults.add({ path: '/**', ...faultOf(actor.random) });
    const reply = await send(method, path, headers, body);
    double.faults.clear();
    onAnswered(
      method,
      path,
      'dropped' in reply ? reply.fault : `${reply.status}${reply.fault ? ` ${reply.fault}` : ''}`,
    );
    await scheduler.wait('dropped' in reply ? SILENCE_MS : latencyMs(actor.random));
    return reply;
  };

  const withRetry: Ask = async (...request) => {
    for (let tries = 1; ; tries++) {
      const reply = await once(...request);
      if (!isRetryable(reply) || tries === TRIES) return reply;
      await scheduler.wait(REPEATED_AFTER_MS);
    }
  };

  return {
    maxNetworkRetries: 0,
    sleep: (ms) => scheduler.wait(ms),
    random: () => 0.5,
    httpClient: httpClientOf(withRetry),
  };
}

function faultOf(random: {
  weighted(weights: typeof KINDS): keyof typeof KINDS;
  chance(p: number): boolean;
}) {
  const kind = random.weighted(KINDS);
  const saved: 'error' | 'answer' = random.chance(0.5) ? 'error' : 'answer';
  return { kind, ...(kind === '500_after' && { saved }) };
}

const isRetryable = (reply: Reply): boolean =>
  'dropped' in reply || reply.status === 409 || reply.status >= 500;
