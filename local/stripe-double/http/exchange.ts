import { setTimeout as sleep } from 'node:timers/promises';
import type { Double } from '../double.ts';
import type { Fault } from '../faults.ts';
import { includable } from '../includable.ts';
import type { RequestChange } from '../journal/entry.ts';
import { invalid, Refusal } from './errors.ts';
import { assertExpandable, expanded } from './expand.ts';
import { decodeForm, type FormFields } from './form.ts';
import { type Answer, type Claim, inFlight } from './idempotency.ts';
import type { Ids, Route } from './route.ts';

export interface Asked {
  readonly requestId: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
  readonly ids: Ids;
  readonly idempotencyKey: string | null;
  readonly version: string | null;
}

/** `dropped`: the connection ends without an answer. */
export type Reply =
  | (Answer & {
      readonly headers: Readonly<Record<string, string>>;
      readonly replayed: boolean;
      readonly fault: string | null;
    })
  | { readonly dropped: true; readonly fault: string };

/** One call of a route, from request to answer: key, fault, parameters, effect, in Stripe's order. */
export async function exchange(double: Double, route: Route, asked: Asked): Promise<Reply> {
  const form = formOf(asked);
  const claimedSeconds = double.clock.nowSeconds;
  const claim = claimOf(double, route, asked, form, claimedSeconds);
  try {
    const fault = double.takeFault(route.method, asked.path);
    const kind = fault?.kind ?? null;
    if (fault?.kind === 'delay') await sleep(fault.ms);
    if (fault?.kind === 'drop_before') {
      claim.release();
      return { dropped: true, fault: fault.kind };
    }
    const before = fault === undefined ? null : refusalBefore(double, fault);
    if (before !== null) {
      claim.release();
      return { ...answerOf(before), headers: before.headers, replayed: false, fault: kind };
    }
    const replayed = claim.replay !== null;
    // Network faults also apply to a replay; faults of an effect do not.
    const keepsError = kind === '500_after' && fault?.saved !== 'answer';
    const kept = { sinceSeconds: claimedSeconds, what: keepsError ? 'error' : 'answer' } as const;
    const answer =
      claim.replay === null
        ? execute(double, route, asked, form, kept)
        : { ...claim.replay, headers: { 'idempotent-replayed': 'true' }, started: false };
    const lost =
      answer.started && kind === '500_after' ? { ...answerOf(serverError()), headers: {} } : answer;
    if (answer.started) claim.save(keepsError ? lost : answer);
    else claim.release();
    if (fault?.kind === 'delay_after') await sleep(fault.ms);
    if (fault?.kind === 'drop_after') return { dropped: true, fault: fault.kind };
    return { status: lost.status, body: lost.body, headers: lost.headers, replayed, fault: kind };
  } catch (error) {
    // A defect of the stand-in must not hold the key forever.
    claim.release();
    throw error;
  }
}

/** @throws Refusal for a malformed form. */
export const formOf = ({ query, body }: Pick<Asked, 'query' | 'body'>): FormFields =>
  decodeForm([query, body].filter((part) => part !== '').join('&'));

/** Repeats a request of the journal, and stores its answer under its key again. */
export function redoRequest(double: Double, route: Route, change: RequestChange): Sent {
  const form = formOf(change);
  const answer = prepared(route, form)(double, change);
  if (change.idempotencyKey !== null && change.kept !== null) {
    const { sinceSeconds, what } = change.kept;
    const kept = what === 'error' ? answerOf(serverError()) : answer;
    double.idempotencyKeys.restore(
      change.idempotencyKey,
      endpointOf(route, change.path),
      form,
      sinceSeconds,
      kept,
    );
  }
  return answer;
}

interface Sent extends Answer {
  readonly headers: Readonly<Record<string, string>>;
}

interface Executed extends Sent {
  /** Whether execution started; only then is the answer stored under its key. */
  readonly started: boolean;
}

function execute(
  double: Double,
  route: Route,
  asked: Asked,
  form: FormFields,
  kept: RequestChange['kept'],
): Executed {
  let run: Run;
  try {
    run = prepared(route, form);
  } catch (error) {
    return { ...sentOf(error), started: false };
  }
  if (route.method === 'GET') {
    double.catchUp();
    return { ...run(double, asked), started: true };
  }
  const change: RequestChange = {
    kind: 'request',
    method: route.method,
    route: route.path,
    ...asked,
    kept: takesKey(route, asked.idempotencyKey) ? kept : null,
  };
  return { ...double.turn(change, () => run(double, asked)), started: true };
}

type Run = (double: Double, asked: Pick<Asked, 'requestId' | 'idempotencyKey' | 'version' | 'ids'>) => Sent;

/**
 * The rest of the call after its parameters are checked.
 * @throws Refusal for wrong parameters.
 */
function prepared(route: Route, form: FormFields): Run {
  const { expand, ...parameters } = form;
  const paths = expandPaths(expand);
  assertExpandable(paths);
  const run = route.prepare(parameters);
  return (double, { requestId, idempotencyKey, version, ids }) => {
    try {
      const result = run(double.scope({ id: requestId, idempotency_key: idempotencyKey }, version), ids);
      const body = JSON.stringify(expanded(double.state, result, paths, includable), null, 2);
      return { status: 200, body, headers: {} };
    } catch (error) {
      return sentOf(error);
    }
  };
}

/** @throws any error other than a Refusal. */
function sentOf(error: unknown): Sent {
  if (!(error instanceof Refusal)) throw error;
  return { ...answerOf(error), headers: error.headers };
}

function claimOf(
  double: Double,
  route: Route,
  { idempotencyKey, path }: Asked,
  form: FormFields,
  nowSeconds: number,
): Claim {
  if (!takesKey(route, idempotencyKey)) return NO_CLAIM;
  return double.idempotencyKeys.claim(idempotencyKey, endpointOf(route, path), form, nowSeconds);
}

/** Stripe ignores the key for methods that are idempotent. */
const takesKey = ({ method }: Route, key: string | null): key is string => key !== null && method === 'POST';

const endpointOf = ({ method }: Route, path: string): string => `${method} ${path}`;

const NO_CLAIM: Claim = { replay: null, save: () => {}, release: () => {} };

function expandPaths(value: FormFields[string] | undefined): string[] {
  if (value === undefined || value === '') return [];
  const list = Array.isArray(value) ? value : [value];
  return list.map((path) => {
    if (typeof path !== 'string') throw invalid('expand is a list of paths.', { param: 'expand' });
    return path;
  });
}

function refusalBefore({ state }: Double, { kind }: Fault): Refusal | null {
  switch (kind) {
    case '409':
      return inFlight(state.switches.idempotency_conflict_type);
    case '429':
      return new Refusal(
        429,
        {
          type: 'invalid_request_error',
          code: 'rate_limit',
          message: 'Too many requests at once. Try again later.',
        },
        { 'stripe-rate-limited-reason': 'global-rate' },
      );
    case '500_before':
      return serverError();
    default:
      return null;
  }
}

const serverError = (): Refusal =>
  new Refusal(500, {
    type: 'api_error',
    message: 'An error occurred on our side while we handled your request.',
  });

export const answerOf = ({ status, body }: Refusal): Answer => ({
  status,
  body: JSON.stringify({ error: body }, null, 2),
});
