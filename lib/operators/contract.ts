import * as z from 'zod/mini';
import { redactApiKeys } from '../domain/api-key.ts';
import type { ProblemCode } from '../errors.ts';
import { text } from '../http/contract.ts';

/**
 * A function that operators invoke with IAM; it has no route. Function and command line share this contract.
 */
export interface OperatorContract<
  Input extends z.ZodMiniType = z.ZodMiniType,
  Result extends z.ZodMiniType = z.ZodMiniType,
> {
  /** The function's name without service and stage. */
  readonly name: string;
  readonly input: Input;
  readonly result: Result;
}

/** The answer of an operator function. For a defect the answer has no details: the log has them. */
export type OperatorAnswer<R> =
  | { readonly ok: true; readonly result: R }
  | { readonly ok: false; readonly problem: { readonly code: ProblemCode; readonly detail: string } };

/** A customer's id, as made at sign-up. */
export const CustomerId = z.string().check(z.regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits'));
/** The SHA-256 of an API key. */
export const KeyId = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'));
export const EventId = z.string().check(z.regex(/^evt_\w{1,250}$/, 'must be an event of Stripe, evt_…'));

/** A notice of a customer, as lists show it. */
export const NoticeLabel = z
  .string()
  .check(z.regex(/^[a-z_]{1,40}#[\w-]{1,255}$/, 'must be the kind and the id of a notice: kind#id'));

/** The operator's name. A key pasted into it is made unusable. */
export const Actor = z.pipe(text(100), z.transform(redactApiKeys));
/** The reason, for later readers of the log or the ledger. A key pasted into it is made unusable. */
export const Reason = z.pipe(text(500), z.transform(redactApiKeys));

const MAX_CREDITS = 1_000_000;

export const Credits = z.int().check(
  z.minimum(-MAX_CREDITS),
  z.maximum(MAX_CREDITS),
  z.refine((amount) => amount !== 0, 'must not be zero'),
);

/** Chosen by the caller, so only characters that a table key may have. */
export const IdempotencyKey = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'must be 1 to 128 letters, digits and _.:-'));
