import type { StripeLine } from '../../../lib/stripe/sdk.ts';
import type { Double } from '../../../local/stripe-double/double.ts';
import type { FaultInput } from '../../../local/stripe-double/faults.ts';
import { Refusal } from '../../../local/stripe-double/http/errors.ts';
import { type Asked, exchange, type Reply } from '../../../local/stripe-double/http/exchange.ts';
import type { Ids, Route } from '../../../local/stripe-double/http/route.ts';
import { ROUTES } from '../../../local/stripe-double/routes.ts';
import { latencyMs } from '../latency.ts';
import type { Scheduler } from '../scheduler.ts';

type HttpClient = NonNullable<StripeLine['httpClient']>;
type Response = Awaited<ReturnType<HttpClient['makeRequest']>>;

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
): StripeLine {
  const routes = ROUTES.map((route) => ({ route, matches: patternOf(route.path) }));

  async function asked(method: string, path: string, headers: Headers, body: string): Promise<Reply> {
    const [where = '', query = ''] = path.split('?', 2);
    for (const { route, matches } of routes) {
      if (route.method !== method) continue;
      const ids = matches(where);
      if (ids !== null) return replied(double, route, askedOf(double, { where, query, body, ids, headers }));
    }
    throw new Error(`The double has nothing at ${method} ${where}`);
  }

  async function once(method: string, path: string, headers: Headers, body: string): Promise<Reply> {
    const { actor } = scheduler;
    if (actor === undefined) return asked(method, path, headers, body);
    await scheduler.wait(latencyMs(actor.random));
    const isStruck = actor.faults !== null && actor.random.chance(actor.faults.stripe);
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
  }

  return {
    maxNetworkRetries: 0,
    sleep: (ms) => scheduler.wait(ms),
    random: () => 0.5,
    httpClient: {
      getClientName: () => 'simulated',
      makeRequest: async (_host, _port, path, method, headers, body) => {
        for (let tries = 1; ; tries++) {
          const reply = await once(method, path, headers, body);
          if (!isWorthRepeating(reply) || tries === TRIES) return responseTo(reply);
          await scheduler.wait(REPEATED_AFTER_MS);
        }
      },
    },
  };
}

type Headers = Parameters<HttpClient['makeRequest']>[4];

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

async function replied(double: Double, route: Route, asked: Asked): Promise<Reply> {
  try {
    return await exchange(double, route, asked);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { status, body, headers } = error;
    return { status, body: JSON.stringify({ error: body }), headers, replayed: false, fault: null };
  }
}

function askedOf(
  double: Double,
  {
    where,
    query,
    body,
    ids,
    headers,
  }: { where: string; query: string; body: string; ids: Ids; headers: Headers },
): Asked {
  const key = headerOf(headers, 'Idempotency-Key');
  const version = headerOf(headers, 'Stripe-Version');
  return {
    requestId: double.newId('req'),
    path: where,
    query,
    body: body ?? '',
    ids,
    idempotencyKey: key,
    version,
  };
}

function headerOf(headers: Headers, name: string): string | null {
  const value: unknown = Object.entries(headers).find(
    ([one]) => one.toLowerCase() === name.toLowerCase(),
  )?.[1];
  return typeof value === 'string' ? value : null;
}

/** @throws Error where the connection was cut */
function responseTo(reply: Reply): Response {
  if ('dropped' in reply) throw new Error('the connection was cut');
  return {
    getStatusCode: () => reply.status,
    getHeaders: () => ({
      'content-type': 'application/json',
      'request-id': 'req_simulated',
      ...reply.headers,
    }),
    getRawResponse: () => reply,
    toStream: () => {
      throw new Error('nothing is streamed here');
    },
    toJSON: async () => JSON.parse(reply.body),
  };
}

/** The ids in a path that the pattern fits; null where it does not. */
function patternOf(pattern: string): (path: string) => Ids | null {
  const names = [...pattern.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  const fits = new RegExp(`^${pattern.replaceAll(/:\w+/g, '([^/]+)')}$`);
  return (path) => {
    const found = fits.exec(path);
    if (found === null) return null;
    return Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1] ?? '')]));
  };
}
