import * as z from 'zod/mini';
import { KEY_SCOPES } from '../../domain/api-key.ts';
import { RETURN_REASONS } from '../../domain/notice.ts';
import { DISPUTE_OUTCOMES } from '../../domain/notices/money-content.ts';
import { RATES } from '../../domain/plans.ts';
import { count, integer, orNull, text } from '../record.ts';

/* The facts of a notice, stored under the domain's own names: they are always read and written whole. */

/**
 * Built on first use, so that functions which only check an API key do not pay for it. A new field needs a
 * default: notices of earlier releases lack it.
 */
export function noticeContents() {
  const rate = z.enum(RATES);
  const keyScope = z.enum(KEY_SCOPES);
  const withoutCredits = {
    hasCard: z.boolean(),
    isDisputed: z._default(z.boolean(), false),
    isDeclined: z._default(z.boolean(), false),
    isOverLimit: z._default(z.boolean(), false),
    rate,
  };
  const usedLimit = { limitCents: count, committedCents: count, renewsAt: text };
  const unpaidRenewal = {
    invoiceId: text,
    invoiceNumber: orNull(text),
    amountCents: count,
    rateEndsAt: orNull(text),
  };
  const proPaid = {
    amountCents: count,
    credits: count,
    netted: count,
    left: integer,
    renewsAt: z.nullable(text),
  };
  const pullRequest = { repo: text, prNumber: integer };

  return z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('low_balance'), credits: integer, ...withoutCredits }),
    z.object({ kind: z.literal('exhausted'), ...withoutCredits }),
    z.object({
      kind: z.literal('fix_blocked'),
      reason: z.enum(['no_billing_info', 'account_disputed', 'spending_limit_reached']),
      ...pullRequest,
    }),
    z.object({
      kind: z.literal('card_declined'),
      amountCents: count,
      declineCode: z.nullable(text),
      fixId: orNull(text),
      ...pullRequest,
    }),
    z.object({ kind: z.literal('receipt'), amountCents: count, ...pullRequest }),
    z.object({
      kind: z.literal('payment_failed'),
      ...unpaidRenewal,
      attempt: integer,
      nextAttemptAt: z.nullable(text),
      declineCode: orNull(text),
      credits: orNull(integer),
    }),
    z.object({ kind: z.literal('renewal_approval'), ...unpaidRenewal }),
    z.object({ kind: z.literal('grace_ending'), rateEndsAt: text }),
    z.object({ kind: z.literal('pro_started'), ...proPaid }),
    z.object({ kind: z.literal('pro_renewed'), ...proPaid }),
    z.object({ kind: z.literal('pro_cancelled'), endsAt: z.nullable(text), credits: integer }),
    z.object({ kind: z.literal('pro_resumed'), renewsAt: z.nullable(text) }),
    z.object({
      kind: z.literal('subscription_ended'),
      subscriptionId: text,
      unpaid: z.boolean(),
      atOnce: z._default(z.boolean(), false),
      credits: integer,
    }),
    z.object({ kind: z.literal('card_added'), bonusCredits: count }),
    z.object({ kind: z.literal('card_replaced') }),
    z.object({ kind: z.literal('card_removed') }),
    z.object({ kind: z.literal('card_expiring'), lastDay: text }),
    z.object({ kind: z.literal('dispute'), disputeId: text, amountCents: count }),
    z.object({
      kind: z.literal('dispute_closed'),
      disputeId: text,
      amountCents: count,
      outcome: z.enum(DISPUTE_OUTCOMES),
    }),
    z.object({
      kind: z.literal('refund_made'),
      amountCents: count,
      isDouble: z.boolean(),
      pullRequest: z.nullable(z.object(pullRequest)),
    }),
    z.object({
      kind: z.literal('credits_removed'),
      invoiceId: text,
      removed: count,
      owed: count,
      left: count,
      returnedCents: count,
      reasons: z.readonly(z.array(z.enum(RETURN_REASONS))),
    }),
    z.object({ kind: z.literal('limit_near'), percent: z.literal([50, 80]), ...usedLimit }),
    z.object({ kind: z.literal('limit_reached'), ...usedLimit }),
    z.object({
      kind: z.literal('limit_changed'),
      fromCents: z.nullable(count),
      toCents: z.nullable(count),
      renewsAt: text,
    }),
    z.object({
      kind: z.literal('key_issued'),
      keyId: text,
      by: z.enum(['sign_up', 'customer', 'operator']),
      scope: z._default(keyScope, 'account'),
      replaced: orNull(text),
      ended: z._default(count, 0),
    }),
    z.object({
      kind: z.literal('key_revoked'),
      keyId: text,
      scope: keyScope,
      by: z.enum(['customer', 'operator']),
    }),
    z.object({ kind: z.literal('sign_in') }),
    z.object({ kind: z.literal('confirm_address'), addressHash: text }),
    z.object({ kind: z.literal('address_changed'), to: z.nullable(text) }),
    z.object({ kind: z.literal('closing_asked'), credits: count, hasPro: z.boolean() }),
    z.object({ kind: z.literal('digest'), notices: z.readonly(z.array(text)) }),
    z.object({ kind: z.literal('account_closed'), credits: integer }),
  ]);
}
