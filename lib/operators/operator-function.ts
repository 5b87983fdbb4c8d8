import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { redactApiKeys } from '../domain/api-key.ts';
import { BillingError, PROBLEMS } from '../errors.ts';
import type { Deps } from '../runtime/deps.ts';
import { loggableError, logger } from '../runtime/observe.ts';
import { runningDeps } from '../runtime/running.ts';
import { faultsOf } from '../settings/environment.ts';
import type { OperatorAnswer } from './contract.ts';

/** zod's mini build says no more than "invalid input" until it is given a language. */
z.config(en());

export interface OperatorFunction<Input extends z.ZodMiniType, Result> {
  /** Of the function, without service and stage. */
  readonly name: string;
  /** Strict: what it does not know is refused. */
  readonly input: Input;
  /** What `run` answers with, for those who read the answer. */
  readonly result?: z.ZodMiniType<Result>;
  /** @throws BillingError, which the caller is answered with */
  readonly run: (deps: Deps, input: z.output<Input>) => Promise<Result>;
}

/** What the audit line tells of an input: ids, the amount, who and why. Nothing else of it is logged. */
const AUDITED: ReadonlySet<string> = new Set([
  'actor',
  'customer_id',
  'event_id',
  'key_id',
  'notice',
  'amount',
  'idempotency_key',
  'reason',
]);

/**
 * A Lambda handler for a function that operators invoke with IAM. It writes one audit line for each call, also for one that
 * was refused, and never throws: the invoker hears of a BillingError in its own words, and of a defect that there was one.
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
