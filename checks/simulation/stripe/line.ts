import type { StripeLine } from '../../../lib/stripe/sdk.ts';
import type { Double } from '../../../local/stripe-double/double.ts';
import type { FaultInput } from '../../../local/stripe-double/faults.ts';
import type { Reply } from '../../../local/stripe-double/http/exchange.ts';
import { type Ask, httpClientOf, routesOf } from '../../../test/support/stripe-in-process.ts';
import { latencyMs } from '../latency.ts';
import type { Actor, Scheduler } from '../scheduler.ts';

/** As the SDK is told to in the service: one repeat, under the same idempotency key. */
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

/** The way of the SDK's requests to the double, within this process: late, lost or refused as chance has it. */
export function stripeLine(
  double: Double,
  scheduler: Scheduler,
  onAnswered: (method: string, path: string, outcome: string) => void,
  isOutFor: (actor: Actor, method: string) => boolean,
): StripeLine {
  const asked = routesOf(double);

  const once: Ask = async (method, path, headers, body) => {
    const { actor } = scheduler;
    if (actor === undefined) return asked(method, path, headers, body);
    await scheduler.wait(latencyMs(actor.random));
    const isOut = isOutFor(actor, method);
    if (isOut) double.faults.add({ path: '/**', kind: 'drop_before' });
    const isStruck = !isOut && actor.faults !== null && actor.random.chance(actor.faults.stripe);
    if (isStruck) double.faults.add({ path: '/**', ...faultOf(actor.random) });
    const reply = await asked(method, path, headers, body);
    double.faults.clear();
    onAnswered(
      method,
      path,
      'dropped' in reply ? reply.fault : `${reply.status}${reply.fault ? ` ${reply.fault}` : ''}`,
    );
    await scheduler.wait('dropped' in reply ? SILENCE_MS : latencyMs(actor.random));
    return reply;
  };

  const repeated: Ask = async (...request) => {
    for (let tries = 1; ; tries++) {
      const reply = await once(...request);
      if (!isWorthRepeating(reply) || tries === TRIES) return reply;
      await scheduler.wait(REPEATED_AFTER_MS);
    }
  };

  return {
    maxNetworkRetries: 0,
    sleep: (ms) => scheduler.wait(ms),
    random: () => 0.5,
    httpClient: httpClientOf(repeated),
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

const isWorthRepeating = (reply: Reply): boolean =>
  'dropped' in reply || reply.status === 409 || reply.status >= 500;
