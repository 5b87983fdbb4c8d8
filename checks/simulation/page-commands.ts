import { approveFixPayment } from '../../lib/operations/fixes/approve-fix.ts';
import { afterApproval } from '../../lib/operations/plans/after-approval.ts';
import { resumeSubscription } from '../../lib/operations/plans/cancel-subscription.ts';
import { payRenewalInPerson } from '../../lib/operations/plans/pay-renewal-in-person.ts';
import { orderOf } from '../../lib/operations/plans/settle-order.ts';
import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { readFixesAwaitingApproval } from '../../lib/store/fix-attempts.ts';
import { keys } from '../../lib/store/keys.ts';
import { readTogether } from '../../lib/store/table.ts';
import { type Command, named } from './commands.ts';
import { oneOf } from './people/deed.ts';

/*
 * What customers do on the billing page. The deed `authenticate` is their answer to the bank. Some never give
 * one: their order ends after 23 hours.
 */

const returnUrl = 'https://billing.example/billing/plan/return';

/** Orders Pro, or continues the order that waits for its approval. */
export const subscribeOnPage: Command = async ({ deps }, slot) => {
  const customerId = named(slot);
  const [order] = await readTogether(deps.table, [keys.order(customerId)]);
  const { approval, created, head } = await subscribeToPro(deps, customerId, orderOf(order), 'pro', {
    returnUrl,
    mostCents: Number.MAX_SAFE_INTEGER,
  });
  if (approval !== null) return `${approval.paymentIntentId} is ${approval.state}`;
  return `${created ? 'new' : 'existing'} ${head.subscription?.id}, balance ${head.balance}`;
};

/** Confirms the payment of a fix that the bank asks about. */
export const approve: Command = async ({ deps }, slot, random) => {
  const customerId = named(slot);
  const { fixes } = await readFixesAwaitingApproval(deps.table, customerId, 100);
  const fix = oneOf(random, fixes);
  if (fix === undefined) return 'nothing waits';
  const { kind } = await approveFixPayment(deps, customerId, fix.id, returnUrl);
  return `${kind} ${fix.id}`;
};

/** The bank sends the cardholder back, or anyone opens that address. */
export const comeBack: Command = async ({ deps }, slot, random) => {
  const customerId = named(slot);
  const { fixes } = await readFixesAwaitingApproval(deps.table, customerId, 100);
  const fix = random.chance(0.5) ? oneOf(random, fixes) : undefined;
  await afterApproval(deps, customerId, fix?.id ?? null);
  return fix?.id ?? 'the order';
};

/** Withdraws a cancellation, or pays the open renewal. */
export const keepPro: Command = async ({ deps }, slot, random) => {
  const customerId = named(slot);
  if (random.chance(0.5)) return `${(await resumeSubscription(deps, customerId)).subscription?.state}`;
  return (await payRenewalInPerson(deps, customerId, Number.MAX_SAFE_INTEGER)).problem ?? 'paid';
};
