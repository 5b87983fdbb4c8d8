import * as z from 'zod/mini';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import type { Call } from '../../local/stripe-double/calls.ts';
import { ROUTES } from '../../local/stripe-double/routes.ts';

/** One call to Stripe's API or to a stand-in. */
export interface RecordedCall {
  readonly method: string;
  readonly path: string;
  /** The form-encoded parameters: the body of a POST, otherwise the query. */
  readonly body: string;
  readonly idempotencyKey: string | null;
  readonly version: string | null;
}

const Parameters = z.record(z.string(), z.string());

/** The calls in the stand-in's log. All come from the SDK, which always sends its own API version. */
export const recordedCalls = (calls: readonly Call[]): RecordedCall[] =>
  calls.map(({ method, path, parameters, idempotencyKey }) => ({
    method,
    path,
    body: new URLSearchParams(Parameters.parse(parameters)).toString(),
    idempotencyKey,
    version: STRIPE_API_VERSION,
  }));

/** The first call of each shape. */
export function distinctCalls(calls: readonly RecordedCall[]): RecordedCall[] {
  const byShape = new Map<string, RecordedCall>();
  for (const call of calls) {
    const shape = `${call.method} ${pathShape(call)} ${parameterShape(call)}`;
    if (!byShape.has(shape)) byShape.set(shape, call);
  }
  return [...byShape.values()];
}

/** `/v1/customers/:id` for each customer. */
export function pathShape({ method, path }: Pick<RecordedCall, 'method' | 'path'>): string {
  const parts = path.split('/');
  const isThere = (pattern: readonly string[]) =>
    pattern.length === parts.length &&
    pattern.every((part, i) => part === parts[i] || (part.startsWith(':') && parts[i] !== ''));
  const route = ROUTES.find((one) => one.method === method && isThere(one.path.split('/')));
  return route?.path ?? path;
}

/** The sorted parameter names, with those values that are Stripe's own words: it accepts only some. */
function parameterShape({ body }: RecordedCall): string {
  const parts = [...new URLSearchParams(body)].map(([name, value]) =>
    /^[a-z_.]+$/.test(value) && !name.startsWith('metadata[') ? `${name}=${value}` : name,
  );
  return parts.toSorted().join('&');
}
