import { subscribeToPro } from '../../lib/operations/plans/subscribe-to-pro.ts';
import { syncAccount } from '../../lib/operations/plans/sync-account.ts';
import { customerWithCard, type Money } from './money.ts';

/** Adds a card to the customer at Stripe and returns its id. */
export async function attachedCard(money: Money, customer: string, method?: string): Promise<string> {
  const { id } = await money.stripe.paymentMethods.attach(method ?? (await money.newCard()), { customer });
  return id;
}

export const putDefault = (money: Money, customer: string, default_payment_method: string) =>
  money.stripe.customers.update(customer, { invoice_settings: { default_payment_method } });

/** A Pro customer whose card declines the renewal. The renewal is open and Stripe still retries. */
export async function pastDueCustomer(money: Money) {
  const who = await customerWithCard(money, 0, await money.newCard());
  await subscribeToPro(money.deps, who.customerId, null);
  const declining = await attachedCard(money, who.stripeCustomerId, 'pm_card_chargeCustomerFail');
  await putDefault(money, who.stripeCustomerId, declining);
  await money.deliver();
  await money.days(32);
  await money.deliver();
  const { head } = await syncAccount(money.deps, who.customerId);
  if (head.subscription?.state !== 'past_due') throw new Error('the renewal was paid');
  const open = money.double.state.invoices.newestFirst.find(({ status }) => status === 'open');
  return { ...who, head, subscriptionId: head.subscription.id, invoiceId: open?.id ?? '' };
}
