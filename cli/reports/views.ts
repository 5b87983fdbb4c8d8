import type { CustomerHead } from '../../lib/domain/customer.ts';
import type { BillingConsent } from '../../lib/domain/evidence/billing-consent.ts';
import type { FixAttempt } from '../../lib/domain/fix-attempt.ts';
import type { LedgerEntry } from '../../lib/domain/ledger.ts';
import { planAt } from '../../lib/domain/subscription.ts';
import { transactionView } from '../../lib/http/views/account.ts';
import type { OpenWork } from '../../lib/operations/work/work-kind.ts';
import type { ListedKey } from '../../lib/store/api-keys.ts';
import type { EventRecord } from '../../lib/store/events.ts';
import { noticeLabel } from '../../lib/store/keys.ts';
import type { StoredNotice, UnreadableNotice } from '../../lib/store/notices.ts';
import type { ProOrder } from '../../lib/store/orders.ts';
import type { UnreadableItem } from '../../lib/store/record.ts';

/* Stored items as JSON for programs, with the API's field names in snake_case. */

export const customerView = (head: CustomerHead, at: Date) => ({
  id: head.customerId,
  name: head.name,
  email: head.email,
  plan: planAt(head, at),
  credit_balance: head.balance,
  debt: head.debt,
  has_payment_method: head.paymentMethodId !== null,
  subscription_state: head.subscription?.state ?? null,
  closing_asked_at: head.closingAskedAt,
  closed_at: head.closedAt,
  created_at: head.createdAt,
});

export const customerDetailView = (head: CustomerHead, at: Date) => ({
  ...customerView(head, at),
  subscription: head.subscription && {
    id: head.subscription.id,
    state: head.subscription.state,
    cancel_at_period_end: head.subscription.cancelAtPeriodEnd,
    current_period_end: head.subscription.currentPeriodEnd,
    covered_until: head.subscription.coveredUntil,
  },
  email_state: head.emailState,
  stripe_customer_id: head.stripeCustomerId,
  former_stripe_customer_id: head.formerStripeCustomerId,
  payment_method_id: head.paymentMethodId,
  open_disputes: head.openDisputes,
  muted_notices: head.mutedNotices,
  active_keys: head.activeKeys,
  account_keys: head.accountKeys,
  ledger_entries: head.seq,
});

/** An entry as customers see it in their statement, with its number. */
export const entryView = (entry: LedgerEntry) => ({ seq: entry.seq, ...transactionView(entry) });

/** The whole entry. The hash covers every field, so an export can be verified. */
export const exportedEntry = (entry: LedgerEntry) => ({
  customer_id: entry.customerId,
  seq: entry.seq,
  created_at: entry.createdAt,
  amount: entry.amount,
  balance_after: entry.balanceAfter,
  source: entry.source,
  metadata: entry.metadata,
  prev_hash: entry.prevHash,
  hash: entry.hash,
});

/**
 * Evidence for a dispute: when the cardholder agreed to be charged, to which text, and from which address and
 * client.
 */
export const consentView = (consent: BillingConsent) => ({
  payment_method_id: consent.paymentMethodId,
  given_at: consent.givenAt,
  text_version: consent.version,
  text: consent.text,
  source_ip: consent.sourceIp,
  user_agent: consent.userAgent,
  api_key_id: consent.by.kind === 'api_key' ? consent.by.keyId : null,
  page: consent.by.kind === 'page' ? consent.by.page : null,
});

export const eventView = (event: EventRecord) => ({
  id: event.eventId,
  type: event.type,
  outcome: event.outcome,
  reason: event.reason,
  customer_id: event.customerId,
  object_id: event.objectId,
  amount: event.amount,
  currency: event.currency,
  created_at: event.createdAt,
  received_at: event.receivedAt,
});

export const noticeView = ({ customerId, id, content, ...facts }: StoredNotice) => ({
  customer_id: customerId,
  notice: noticeLabel({ customerId, kind: content.kind, id }),
  state: facts.state,
  attempts: facts.attempts,
  failure: facts.failure,
  created_at: facts.createdAt,
});

export const unreadableNoticeView = ({ customerId, label, attributes }: UnreadableNotice) => ({
  customer_id: customerId,
  notice: label,
  attributes,
});

/** Any other unreadable item: its key and the bad attributes' names, without their values. */
export const unreadableView = ({ key, attributes }: UnreadableItem) => ({ ...key, attributes });

export const keyView = (key: ListedKey) => ({
  id: key.keyId,
  name: key.name,
  scope: key.scope,
  created_at: key.createdAt,
  last_used_on: key.lastUsedOn,
  revoked_at: key.revokedAt,
});

export const chargeView = (customerId: string, { id, charge }: FixAttempt) => ({
  kind: 'fix',
  customer_id: customerId,
  id,
  state: charge?.state ?? null,
  attempt: charge?.attempt ?? null,
  amount_cents: charge?.amountCents ?? null,
  payment_intent_id: charge?.paymentIntentId ?? null,
  started_at: charge?.startedAt ?? null,
});

export const orderView = (customerId: string, order: ProOrder) => ({
  kind: 'order',
  customer_id: customerId,
  id: null,
  state: order.state,
  attempt: order.attempt,
  amount_cents: null,
  payment_intent_id: null,
  started_at: order.startedAt,
});

export type WorkView = ReturnType<typeof workView>;

export const workView = ({ facts }: OpenWork) => ({
  kind: facts.kind,
  customer_id: facts.customerId,
  id: facts.id,
  state: facts.state,
  attempt: facts.attempt,
  amount_cents: facts.amountCents,
  payment_intent_id: facts.paymentIntentId,
  started_at: facts.startedAt,
});
