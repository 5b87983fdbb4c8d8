import type * as z from 'zod/mini';
import { redactApiKeys } from '../domain/api-key.ts';
import { BillingError, PROBLEMS } from '../errors.ts';
import type { Deps } from '../runtime/deps.ts';
import { loggableError, logger } from '../runtime/observe.ts';
import { runningDeps } from '../runtime/running.ts';
import { faultsOf } from '../settings/environment.ts';
import '../settings/plain-words.ts';
import type { OperatorAnswer } from './contract.ts';

export interface OperatorFunction<Input extends z.ZodMiniType, Result> {
  /** The function's name without service and stage. */
  readonly name: string;
  /** Strict: unknown fields are rejected. */
  readonly input: Input;
  /** The schema of `run`'s result, for readers of the answer. */
  readonly result?: z.ZodMiniType<Result>;
  /** @throws BillingError, which becomes the answer */
  readonly run: (deps: Deps, input: z.output<Input>) => Promise<Result>;
}

/**
 * The input fields in the audit line: ids, the amount, the actor and the reason. No other field is logged.
 */
const AUDITED: ReadonlySet<string> = new Set([
  'actor',
  'customer_id',
  'event_id',
  'key_id',
  'scope',
  'end_others',
  'notice',
  'amount',
  'idempotency_key',
  'reason',
]);

/**
 * A Lambda handler for a function that operators invoke with IAM. It writes one audit line per call, also for
 * a rejected one, and never throws. The answer has a BillingError's code and message, but only
 * `internal_error` for a defect.
 */
export function operatorFunction<Input extends z.ZodMiniType, Result>({
  name,
  input: schema,
  run,
}: OperatorFunction<Input, Result>): (event: unknown) => Promise<OperatorAnswer<Result>> {
  return async (event) => {
    const parsed = schema.safeParse(event);
    if (!parsed.success) {
      const detail = redactApiKeys(faultsOf(parsed.error));
      return refuse(name, {}, new BillingError('invalid_request', detail));
    }
    const audited = auditedFacts(parsed.data);
    try {
      const result = await run(runningDeps(), parsed.data);
      logger.info('operator', { function: name, ...audited, outcome: 'done' });
      return { ok: true, result };
    } catch (error) {
      return refuse(name, audited, error);
    }
  };
}

function refuse(
  name: string,
  audited: Record<string, unknown>,
  error: unknown,
): Extract<OperatorAnswer<never>, { ok: false }> {
  const { code, message } = error instanceof BillingError ? error : internalError(name);
  const line = { function: name, ...audited, outcome: code };
  if (PROBLEMS[code].status < 500) logger.warn('operator', line);
  else logger.error('operator', { ...line, error: loggableError(error) });
  return { ok: false, problem: { code, detail: redactApiKeys(message) } };
}

const internalError = (name: string): BillingError =>
  new BillingError(
    'internal_error',
    `It is safe to try again. If it fails again, the log of ${name} says why.`,
  );

function auditedFacts(input: unknown): Record<string, unknown> {
  if (typeof input !== 'object' || input === null) return {};
  return Object.fromEntries(Object.entries(input).filter(([name]) => AUDITED.has(name)));
}
