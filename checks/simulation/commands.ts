import { type KeyScope, permits } from '../../lib/domain/api-key.ts';
import { fixAttemptId } from '../../lib/domain/fix-attempt.ts';
import { OPTIONAL_NOTICE_KINDS } from '../../lib/domain/notice-kinds.ts';
import { BillingError } from '../../lib/errors.ts';
import { addPaymentMethod } from '../../lib/operations/accounts/add-payment-method.ts';
import { issueKey, issueOnlyKey, revokeKey } from '../../lib/operations/accounts/api-keys.ts';
import { changeSpendingLimit } from '../../lib/operations/accounts/change-spending-limit.ts';
import { closeCustomer } from '../../lib/operations/accounts/close-customer.ts';
import { onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import { recordFixAttempt } from '../../lib/operations/fixes/record-fix-attempt.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { requireFix, requireHead } from '../../lib/operations/ledger/require-item.ts';
import { changeNoticeSettings } from '../../lib/operations/notices/change-settings.ts';
import { cancelSubscription } from '../../lib/operations/plans/cancel-subscription.ts';
import { orderOf } from '../../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { decodeApiKey, noteKeyUse } from '../../lib/store/api-keys.ts';
import { keys } from '../../lib/store/keys.ts';
import { decodeOwner } from '../../lib/store/owners.ts';
import { hitRateLimit } from '../../lib/store/rate-limits.ts';
import { readTogether, type Write } from '../../lib/store/table.ts';
import { isCardName } from '../../local/stripe-double/cards.ts';
import { createPaymentMethod } from '../../local/stripe-double/resources/payment-methods.ts';
import { newFix } from '../../test/support/fixtures.ts';
import { disputeDuringCharge } from './people/cardholders.ts';
import type { Random } from './random.ts';
import type { Slot, World } from './world.ts';

/* What customers and operators request from the service. Each command returns its result for the trace. */

export type Command = (world: World, slot: Slot, random: Random) => Promise<string>;

const MAX_PULL_REQUEST = 60;
export const MAX_CALLS = 10;
/** Cards by weight. All customers share the test cards; `own` is a card of one customer only. */
const CARDS = {
  own: 16,
  visa: 3,
  mastercard: 2,
  chargeCustomerFail: 4,
  authenticationRequired: 6,
  createDispute: 1,
  pendingRefund: 1,
  refundFail: 1,
  visa_chargeDeclined: 1,
} as const;

export async function onboard({ deps, calmDeps, promises }: World, slot: Slot): Promise<string> {
  const { email } = slot;
  try {
    const { head, keyId } = await onboardCustomer(deps, { name: 'Acme', email, source: 'simulation' });
    slot.customerId = head.customerId;
    slot.keyIds.push(keyId);
    promises.push({ kind: 'onboarded', customerId: head.customerId });
    return `signed up as ${head.customerId}`;
  } catch (error) {
    // A sign-up whose answer was lost: support finds the account by its address.
    if (error instanceof BillingError && error.code === 'email_taken') {
      const [holder] = await readTogether(calmDeps.table, [keys.email(email)]);
      if (holder !== undefined) slot.customerId = decodeOwner(holder);
    }
    throw error;
  }
}

export const record: Command = async (world, slot, random) => {
  const { deps, promises } = world;
  const { customerId, keyUse } = await authenticated(world, slot, 'fixes');
  const attempt = newFix(random.int(1, MAX_PULL_REQUEST));
  const { created, fix } = await recordFixAttempt(deps, customerId, attempt, null, undefined, keyUse);
  promises.push({ kind: 'recorded', customerId, fixId: fix.id });
  return `${created ? 'recorded' : 'already recorded'} ${fix.id}`;
};

export const bill: Command = async (world, slot, random) => {
  const { deps, promises } = world;
  const { customerId, keyUse } = await authenticated(world, slot, 'fixes');
  const pullRequest = newFix(random.int(1, MAX_PULL_REQUEST));
  const fixId = fixAttemptId(pullRequest);
  const [head, fix] = await readTogether(deps.table, [keys.head(customerId), keys.fix(customerId, fixId)]);
  if (fix === undefined) await recordFixAttempt(deps, customerId, pullRequest);
  const read =
    fix === undefined ? undefined : { head: requireHead(head, customerId), related: requireFix(fix) };
  const billing = await billFixAttempt(deps, customerId, fixId, read, { keyUse }).catch((error: unknown) => {
    const isUnderWay = error instanceof BillingError && error.code === 'payment_pending';
    if (isUnderWay && random.chance(0.8)) disputeDuringCharge(world, customerId);
    throw error;
  });
  const isPromise = billing.kind !== 'action_required' && billing.kind !== 'not_tried';
  if (isPromise) promises.push({ kind: billing.kind, customerId, fixId });
  return `${billing.kind} ${fixId}, balance ${billing.balance}`;
};

export const addCard: Command = async (world, slot, random) => {
  const { customerId, keyUse } = await authenticated(world, slot, 'account');
  const { deps, double } = world;
  const name = random.weighted(CARDS);
  const behavesLike = name === 'own' ? 'visa' : name;
  let card = `pm_card_${behavesLike}`;
  if (name === 'own' || random.chance(0.3)) {
    card = double.turn({ kind: 'time' }, () => {
      const method = createPaymentMethod(double.scope(), isCardName(behavesLike) ? behavesLike : 'visa');
      if (name === 'own' && method.card)
        method.card.fingerprint = `${customerId.slice(0, 6)}${random.int(1, 3)}`;
      return method.id;
    });
  }
  await limited(world, `card#${customerId}`, keyUse);
  const [head] = await readTogether(deps.table, [keys.head(customerId)]);
  const added = await addPaymentMethod(deps, requireHead(head, customerId), card);
  return `${name}, bonus ${added.bonusCredits}`;
};

export const subscribe: Command = async (world, slot) => {
  const { deps } = world;
  const { customerId, keyUse } = await authenticated(world, slot, 'account');
  await limited(world, `subscription#${customerId}`, keyUse);
  const [order] = await readTogether(deps.table, [keys.order(customerId)]);
  const { created, head } = await subscribeToPro(deps, customerId, orderOf(order));
  return `${created ? 'new' : 'existing'} ${head.subscription?.id}, balance ${head.balance}`;
};

export const cancel: Command = async (world, slot, random) => {
  const { customerId } = await authenticated(world, slot, 'account');
  const head = await cancelSubscription(world.deps, customerId, random.chance(0.6));
  return `${head.subscription?.state}, at period end ${head.subscription?.cancelAtPeriodEnd}`;
};

/**
 * By the customer, or by an operator, who can also issue a key for a customer without keys, but not for a
 * closed account. Some new keys replace another one, and some of the operator's end all others.
 */
export const issue: Command = async (world, slot, random) => {
  const { deps, calmDeps, promises } = world;
  const customerId = named(slot);
  const [head] = await readTogether(calmDeps.table, [keys.head(customerId)]);
  if (requireHead(head, customerId).closedAt !== null) return 'the account is closed';
  const by = random.chance(0.5) ? 'operator' : 'customer';
  if (by === 'customer') await authenticated(world, slot, 'account');
  else if (random.chance(0.25)) {
    const { keyId, ended } = await issueOnlyKey(deps, customerId, 'operator');
    slot.keyIds.push(keyId);
    promises.push({ kind: 'key_issued', customerId, keyId });
    for (const old of ended) promises.push({ kind: 'key_revoked', customerId, keyId: old });
    return `${keyId}, ${ended.length} others ended`;
  }
  const old = slot.keyIds.length > 0 && random.chance(0.4) ? random.pick(slot.keyIds) : undefined;
  const scope = random.chance(0.4) ? 'fixes' : 'account';
  const { keyId } = await issueKey(deps, customerId, by, { scope, replaces: old?.slice(0, 8) });
  slot.keyIds.push(keyId);
  promises.push({ kind: 'key_issued', customerId, keyId });
  if (old !== undefined) promises.push({ kind: 'key_revoked', customerId, keyId: old });
  return `${keyId}, ${scope}${old === undefined ? '' : `, in place of ${old}`}`;
};

export const revoke: Command = async (world, slot, random) => {
  const { deps, promises } = world;
  const { customerId } = await authenticated(world, slot, 'account');
  if (slot.keyIds.length === 0) return 'the customer has no key';
  const { keyId } = await revokeKey(deps, customerId, random.pick(slot.keyIds).slice(0, 8));
  promises.push({ kind: 'key_revoked', customerId, keyId });
  return keyId;
};

export const adjust: Command = async ({ deps, promises }, slot, random) => {
  const customerId = named(slot);
  const key = `adjustment-${random.int(1, 30)}`;
  // The same key usually has the same amount. Sometimes the amount differs, and the service must reject it.
  const amount = (Number(key.split('-')[1]) % 9) - 5 + (random.chance(0.05) ? 1 : 0) || 2;
  const { already, balance } = await adjustCredits(deps, customerId, {
    amount,
    reason: 'simulation',
    actor: 'operator',
    idempotencyKey: key,
  });
  promises.push({ kind: 'adjusted', customerId, key });
  return `${amount} with key ${key}${already ? ', repeated' : ''}, balance ${balance}`;
};

/** Removes all remaining credits, so that the next fix is paid by card. */
export const drain: Command = async ({ deps, promises }, slot, random) => {
  const customerId = named(slot);
  const [head] = await readTogether(deps.table, [keys.head(customerId)]);
  const { balance } = requireHead(head, customerId);
  if (balance === 0) return 'no credits left';
  const idempotencyKey = `drain-${random.int(1, 1_000_000)}`;
  const spent = { amount: -balance, reason: 'simulation', actor: 'operator', idempotencyKey };
  await adjustCredits(deps, customerId, spent);
  promises.push({ kind: 'adjusted', customerId, key: idempotencyKey });
  return `removed ${balance}`;
};

export const setNotices: Command = async (world, slot, random) => {
  const { customerId, keyUse } = await authenticated(world, slot, 'account');
  const off = OPTIONAL_NOTICE_KINDS.filter(() => random.chance(0.3));
  await changeNoticeSettings(world.deps, customerId, off, keyUse);
  return off.join(' ');
};

/** Limits by weight. A low one is reached within an episode. */
const LIMITS = { none: 4, 290000: 2, 29000: 3, 8700: 2, 2900: 1, 0: 1 } as const;

export const setLimit: Command = async (world, slot, random) => {
  const { customerId, keyUse } = await authenticated(world, slot, 'account');
  const drawn = random.weighted(LIMITS);
  const limit = drawn === 'none' ? null : Number(drawn);
  // Noted first: the limit can be set although its answer is lost.
  world.limits.set(customerId, [...(world.limits.get(customerId) ?? []), limit]);
  const { spending } = await changeSpendingLimit(world.deps, customerId, limit, keyUse);
  return `${limit ?? 'no limit'}, ${spending.committedCents} committed`;
};

export const close: Command = async ({ deps, closing }, slot) => {
  const customerId = named(slot);
  closing.add(customerId);
  const { already, balance } = await closeCustomer(deps, customerId);
  return `${already ? 'already closed' : 'closed'} with ${balance}`;
};

/** Authenticates the caller as the endpoints do: a key that is not revoked and has the scope. */
async function authenticated(
  { calmDeps }: World,
  { customerId, keyIds }: Slot,
  needed: KeyScope,
): Promise<{ readonly customerId: string; readonly keyUse: readonly Write[] }> {
  if (customerId !== null && keyIds.length > 0) {
    const wanted = keyIds.map((id) => keys.apiKey(customerId, id));
    const stored = await readTogether(calmDeps.table, wanted);
    for (const [i, item] of stored.entries()) {
      const key = item === undefined ? null : decodeApiKey(item);
      if (key === null || key.revokedAt !== null || !permits(key.scope, needed)) continue;
      const today = calmDeps.now().toISOString().slice(0, 10);
      const keyUse = key.lastUsedOn === today ? [] : [noteKeyUse(customerId, keyIds[i] ?? '', today)];
      return { customerId, keyUse };
    }
  }
  throw new BillingError('invalid_api_key', 'the customer has no valid key');
}

/** The hourly rate limit of commands that cost money. Lower than in production, so that it is reached. */
async function limited({ deps }: World, scope: string, keyUse: readonly Write[]): Promise<void> {
  const limit = { limit: MAX_CALLS, windowSeconds: 60 * 60 };
  const { kind } = await hitRateLimit(deps.table, scope, limit, deps.now(), keyUse);
  if (kind === 'limited') throw new BillingError('rate_limited', 'too many calls');
}

/** The customer, as operators name it: without a key. */
export function named({ customerId }: Slot): string {
  if (customerId !== null) return customerId;
  throw new BillingError('invalid_api_key', 'the customer has not signed up yet');
}
