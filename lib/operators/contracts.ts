import * as z from 'zod/mini';
import { KEY_SCOPES } from '../domain/api-key.ts';
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
    /** The adjustment was already made under this key; this call changed nothing. */
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
    /** Already closed before this call. */
    already: z.boolean(),
    closed_at: z.string(),
    /** Credits left in the ledger; they cannot be spent. */
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
  input: z.strictObject({
    customer_id: CustomerId,
    reason: Reason,
    actor: Actor,
    name: z.optional(text(100)),
    scope: z.optional(z.enum(KEY_SCOPES)),
    /** Revokes every other key in the same step; the new key is then an `account` key. */
    end_others: z.optional(z.boolean()),
  }),
  result: z.object({
    key_id: z.string(),
    api_key: z.string(),
    scope: z._default(z.enum(KEY_SCOPES), 'account'),
    created_at: z.string(),
    /** The keys that were revoked. An older release omits this field. */
    ended: z._default(z.array(z.string()), []),
  }),
} as const satisfies OperatorContract;

export const revokeCustomerKeyContract = {
  name: 'revoke-customer-key',
  input: z.strictObject({ customer_id: CustomerId, key_id: KeyId, reason: Reason, actor: Actor }),
  result: z.object({ key_id: z.string(), revoked_at: z.string() }),
} as const satisfies OperatorContract;

/** Work that a sweep left open; ids only. */
export const OpenWork = z.object({
  /** `unknown`: work of a newer release, or an item added by hand. */
  kind: z.enum(['fix', 'order', 'renewal', 'card_session', 'double_payment', 'closing', 'event', 'unknown']),
  /** Null for an event, which is in no customer's partition. For `unknown`, the item's `pk`. */
  customer_id: z.nullable(z.string()),
  /**
   * Id of the fix or the second payment; null for an order and a closing, because a customer has only one.
   * For `unknown`, the item's `sk`.
   */
  id: z.nullable(z.string()),
});
export type OpenWork = z.output<typeof OpenWork>;

/** The schedule calls the same function. The content of its event is ignored. */
export const settlePendingChargesContract = {
  name: 'settle-pending-charges',
  input: z.object({
    /** Only work of at least this age. Default: work that no request can still own. */
    older_than_seconds: z.optional(z.int().check(z.minimum(0))),
  }),
  result: z.object({
    settled: z.int(),
    /** Stripe has not decided yet. An older release omits this field. */
    waiting: z._default(z.array(OpenWork), []),
    failed: z.array(OpenWork),
  }),
} as const satisfies OperatorContract;

/**
 * For customers of the smoke test and the probe only; on a live stage, only for the probe's. By e-mail
 * address if the sign-up got no answer.
 */
export const removeTestCustomerContract = {
  name: 'remove-test-customer',
  input: z.union([
    z.strictObject({ customer_id: CustomerId, actor: Actor, await_events: z.optional(z.boolean()) }),
    z.strictObject({ email: text(254), actor: Actor, await_events: z.optional(z.boolean()) }),
  ]),
  result: z.discriminatedUnion('state', [
    z.object({ state: z.literal('removed'), items: z.int() }),
    /** Stripe has events about the customer that have not arrived yet; call again. */
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
