import * as z from 'zod/mini';
import { BALANCE_LEVELS } from '../domain/balance-watch.ts';
import type { CustomerHead, CustomerProfile } from '../domain/customer.ts';
import { EMAIL_STATES } from '../domain/email-state.ts';
import { OPTIONAL_NOTICE_KINDS } from '../domain/notice-kinds.ts';
import { PLAN_NAMES, SOLD_PLANS } from '../domain/plans.ts';
import { SUBSCRIPTION_STATES } from '../domain/subscription.ts';
import { keys } from './keys.ts';
import { count, integer, orNull, record, text } from './record.ts';
import { type Item, readOne, type Table } from './table.ts';

/* The ledger head. Fields of later releases have a default, because older heads lack them. */

const Profile = z.object({
  name: text,
  email: text,
  emailState: z._default(z.enum(EMAIL_STATES), 'assumed'),
  newEmail: orNull(text),
  subscriptionType: z.enum(PLAN_NAMES),
  subscription: z.nullable(
    z.object({
      id: text,
      plan: z._default(z.enum(SOLD_PLANS), 'pro'),
      state: z.enum(SUBSCRIPTION_STATES),
      cancelAtPeriodEnd: z.boolean(),
      currentPeriodEnd: z.nullable(text),
      coveredUntil: orNull(text),
      collects: z._default(z.boolean(), true),
    }),
  ),
  paymentMethodId: z.nullable(text),
  cardKey: orNull(text),
  cardExpires: orNull(text),
  stripeCustomerId: orNull(text),
  formerStripeCustomerId: orNull(text),
  openDisputes: z._default(z.array(text), []),
  freeUntil: orNull(text),
  debt: count,
  spendingLimitCents: orNull(count),
  mutedNotices: z._default(z.array(z.enum(OPTIONAL_NOTICE_KINDS)), []),
  closingAskedAt: orNull(text),
  closedAt: orNull(text),
});

const profiles = record<CustomerProfile>(Profile);
/** A head as stored. Earlier releases did not count `account` keys. */
type StoredHead = Omit<CustomerHead, 'accountKeys'> & { readonly accountKeys: number | null };

const heads = record<StoredHead>(
  z.object({
    customerId: text,
    revision: z._default(count, 0),
    ...Profile.shape,
    balance: integer,
    seq: count,
    chain: text,
    raisedSeq: z._default(count, 0),
    balanceLevel: z._default(z.enum(BALANCE_LEVELS), 'fine'),
    activeKeys: count,
    accountKeys: orNull(count),
    billedByDay: z._default(text, ''),
    createdAt: text,
  }),
);

export function decodeHead(item: Item): CustomerHead {
  const stored = heads.decode(item);
  // Before keys had a scope, every key was an `account` key.
  const head = { ...stored, accountKeys: stored.accountKeys ?? stored.activeKeys };
  const { subscription } = head;
  if (subscription === null || hasCoverage(item)) return head;
  // An earlier release did not store coverage. The current period counts as paid until the next sync with
  // Stripe.
  return { ...head, subscription: { ...subscription, coveredUntil: subscription.currentPeriodEnd } };
}

function hasCoverage({ subscription }: Item): boolean {
  return typeof subscription === 'object' && subscription !== null && 'covered_until' in subscription;
}

export const encodeHead = (head: CustomerHead): Item => ({
  ...keys.head(head.customerId),
  ...heads.encode(head),
});

/** Some attributes of the head, by their stored names. */
export const encodeHeadPart = (part: Partial<CustomerHead>): Item => heads.encodePart(part);

/** The attributes of the profile. Also accepts a whole head. */
export const encodeProfile = (profile: CustomerProfile): Item => profiles.encode(profile);

/** The head of a customer; null if there is no such customer. */
export const readHead = (table: Table, customerId: string): Promise<CustomerHead | null> =>
  readOne(table, keys.head(customerId), decodeHead);
