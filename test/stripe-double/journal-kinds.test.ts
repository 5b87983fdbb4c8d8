import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Bench, bench, customerWith, monthlyPrice, offSession, subscribe } from './support.ts';

/** Without the stand-in's address, because its port changes after a restart. */
const stateOf = async ({ running }: Bench): Promise<unknown> => {
  const text = await (await fetch(`${running.url}/_double/state`)).text();
  return JSON.parse(text.replaceAll(running.url, ''));
};

/** Performs every kind of action of a bank, a cardholder or a hosted page. */
async function play({ stripe, control, days }: Bench): Promise<void> {
  await control('switches', { inquiry_escalation_events: 'updated', detached_customer: 'kept' });
  const who = await customerWith(stripe);
  const pay = async () => String((await stripe.paymentIntents.create(offSession(who))).latest_charge);
  const charge = await pay();
  const { id: inquiry } = await control(`charges/${charge}/dispute`, { inquiry: true });
  await control(`disputes/${inquiry}/escalate`);
  await control(`disputes/${inquiry}/close`, { status: 'lost' });
  await control(`disputes/${inquiry}/appeal`);
  await control('refunds/mode', { mode: 'pending' });
  const refund = await stripe.refunds.create({ charge: await pay(), amount: 100 });
  await control(`refunds/${refund.id}/answer`, { status: 'failed' });
  await control(`charges/${await pay()}/early_fraud_warning`);
  await control(`payment_methods/${who.method}/update_card`, { kind: 'replaced' });
  await stripe.paymentMethods.attach('pm_link', { customer: who.customer });
  const price = await monthlyPrice(stripe);
  const { id: subscription } = await subscribe(stripe, who.customer, price.id);
  const session = await stripe.checkout.sessions.create({
    mode: 'setup',
    customer: who.customer,
    currency: 'usd',
    success_url: 'https://app.example',
  });
  await control(`checkout_sessions/${session.id}/enter_card`, { card: 'authenticationRequired' });
  await control(`checkout_sessions/${session.id}/authenticate`, { succeeds: true });
  const portal = await stripe.billingPortal.sessions.create({ customer: who.customer });
  await control(`portal_sessions/${portal.id}/act`, { action: 'add_card', card: 'visa' });
  await control(`portal_sessions/${portal.id}/act`, { action: 'cancel_at_period_end', subscription });
  const [event] = (await stripe.events.list()).data;
  await stripe.rawRequest('POST', `/v1/events/${event?.id}/retry`, { for_stripecli: true });
  await days(40);
  // Reading changes nothing that a later call shows.
  await stripe.balanceTransactions.list();
  await stripe.charges.update(charge, { metadata: { a: '1' }, expand: ['balance_transaction'] });
}

it('the journal restores disputes, refunds, setups, hosted pages and switches, also on another port', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stripe-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const options = { journalFile: join(folder, 'stripe.jsonl'), realMs: () => Date.UTC(2027, 0, 15) };
  const first = await bench(options);
  await play(first);
  const before = await stateOf(first);
  await first.running.stop();
  const second = await bench(options);
  expect(await stateOf(second)).toEqual(before);
  const [session] = (await second.stripe.billingPortal.configurations.list()).data;
  expect(session?.is_default).toBe(true);
});
