import * as z from 'zod/mini';
import { text } from '../http/contract.ts';
import {
  Actor,
  Credits,
  CustomerId,
  EventId,
  IdempotencyKey,
  KeyId,
  NoticeLabel,
  type OperatorContract,
  Reason,
} from './contract.ts';

export const adjustCreditsContract = {
  name: 'adjust-credits',
  input: z.strictObject({
    customer_id: CustomerId,
    amount: Credits,
    reason: Reason,
    actor: Actor,
    idempotency_key: IdempotencyKey,
  }),
  result: z.object({
    /** The same key had made this adjustment before; nothing happened now. */
    already: z.boolean(),
    balance: z.int(),
    /** The ledger entry's number. */
    seq: z.int(),
  }),
} as const satisfies OperatorContract;

export const replayEventContract = {
  name: 'replay-event',
  input: z.strictObject({ event_id: EventId, actor: Actor }),
  result: z.object({
    outcome: z.enum(['processed', 'ignored', 'parked', 'duplicate']),
    reason: z.string(),
    customer_id: z.nullable(z.string()),
  }),
} as const satisfies OperatorContract;

export const closeCustomerContract = {
  name: 'close-customer',
  input: z.strictObject({ customer_id: CustomerId, reason: Reason, actor: Actor }),
  result: z.object({
    /** It was closed before. */
    already: z.boolean(),
    closed_at: z.string(),
    /** Credits that are left in the ledger; nobody can spend them. */
    balance: z.int(),
  }),
} as const satisfies OperatorContract;

export const resendNoticeContract = {
  name: 'resend-notice',
  input: z.strictObject({ customer_id: CustomerId, notice: NoticeLabel, actor: Actor }),
  result: z.object({ requeued: z.boolean() }),
} as const satisfies OperatorContract;

export const issueCustomerKeyContract = {
  name: 'issue-customer-key',
  input: z.strictObject({ customer_id: CustomerId, reason: Reason, actor: Actor }),
  result: z.object({ key_id: z.string(), api_key: z.string(), created_at: z.string() }),
} as const satisfies OperatorContract;

export const revokeCustomerKeyContract = {
  name: 'revoke-customer-key',
  input: z.strictObject({ customer_id: CustomerId, key_id: KeyId, reason: Reason, actor: Actor }),
  result: z.object({ key_id: z.string(), revoked_at: z.string() }),
} as const satisfies OperatorContract;

/** What a sweep left open; ids only. */
export const OpenWork = z.object({
  /** `unknown`: what only a newer release can take up, or was put among the work by hand. */
  kind: z.enum(['fix', 'order', 'renewal', 'double_payment', 'closing', 'event', 'unknown']),
  /** Of what is unknown, the first half of its key. Null for an event. */
  customer_id: z.nullable(z.string()),
  /** The fix's, or the second payment's; null for an order and a closing, of which a customer has one. Of what is unknown, the other half. */
  id: z.nullable(z.string()),
});
export type OpenWork = z.output<typeof OpenWork>;

/** The schedule calls the same function, with an event of its own that says nothing to it. */
export const settlePendingChargesContract = {
  name: 'settle-pending-charges',
  input: z.object({
    /** Only work that is at least this old; left out, what no request can be busy with any more. */
    older_than_seconds: z.optional(z.int().check(z.minimum(0))),
  }),
  result: z.object({
    settled: z.int(),
    /** Stripe has not decided yet. A release of before does not say. */
    waiting: z._default(z.array(OpenWork), []),
    failed: z.array(OpenWork),
  }),
} as const satisfies OperatorContract;

/** The smoke test's customers only; it is on no live stage. By the address where a sign-up was not answered. */
export const removeTestCustomerContract = {
  name: 'remove-test-customer',
  input: z.union([
    z.strictObject({ customer_id: CustomerId, actor: Actor, await_events: z.optional(z.boolean()) }),
    z.strictObject({ email: text(254), actor: Actor, await_events: z.optional(z.boolean()) }),
  ]),
  result: z.discriminatedUnion('state', [
    z.object({ state: z.literal('removed'), items: z.int() }),
    /** Stripe has events about the customer that did not arrive yet; ask again. */
    z.object({ state: z.literal('waiting'), events: z.int() }),
    z.object({ state: z.literal('unknown') }),
  ]),
} as const satisfies OperatorContract;
export type TestCustomerRemoval = z.output<(typeof removeTestCustomerContract)['result']>;

/** The schedule calls the same function. */
export const warnLowBalancesContract = {
  name: 'warn-low-balances',
  input: z.object({}),
  result: z.object({ warned: z.int(), failed: z.int() }),
} as const satisfies OperatorContract;
