import { beforeAll, describe, expect, it } from 'vitest';
import { currencyOf } from '../../lib/http/pages/parts.ts';
import { sessionCookie } from '../../lib/http/pages/session-cookie.ts';
import { makeSignInLink, signIn } from '../../lib/operations/access/sign-in.ts';
import { readDocuments } from '../../lib/operations/documents/read-documents.ts';
import { heard } from '../support/counted.ts';
import { deployFix, type SignedUp, signUp } from '../support/http.ts';
import {
  addCard,
  atStripe,
  customerOutOfCredits,
  eventsNaming,
  proCustomer,
  serveMoney,
} from '../support/http-money.ts';
import { headOf, type Money } from '../support/money.ts';
import { type Shown, Visitor } from '../support/pages.ts';
import { answering, failing } from '../support/stripe-answers.ts';

let money: Money;
beforeAll(async () => {
  const served = await serveMoney();
  money = served.money;
  return served.stop;
});

async function visitorFor({ customerId }: Pick<SignedUp, 'customerId'>): Promise<Visitor> {
  const link = await makeSignInLink(money.deps, customerId);
  const { token } = await signIn(money.deps, link.token, '192.0.2.1');
  const visitor = new Visitor();
  visitor.steal([sessionCookie(token, 60)]);
  return visitor;
}

const documentsOf = async (customer: Pick<SignedUp, 'customerId'>, query = ''): Promise<Shown> =>
  (await visitorFor(customer)).get(`/billing/documents${query}`);

/** The calls to Stripe while `work` runs. */
async function callsAtStripe(work: () => Promise<unknown>): Promise<string[]> {
  const { calls } = money.double;
  const before = calls.all.length;
  await work();
  return calls.all.slice(before).map(({ method, path }) => `${method} ${path}`);
}

/** The address of the link with this name. */
const linkIn = ({ text }: Shown, name: string): string =>
  new RegExp(`<a href="([^"]*)"[^>]*aria-label="${name}`).exec(text)?.[1]?.replaceAll('&amp;', '&') ?? '';

/**
 * The customer disputes their newest payment.
 * @param options.isKnown the events are delivered, after which no card is charged
 */
async function disputeNewest({ customerId }: SignedUp, { isKnown = true } = {}): Promise<void> {
  const [intent] = atStripe(money, customerId).payments;
  const charge = String(intent?.latest_charge);
  await money.control(`charges/${charge}/dispute`);
  if (isKnown) await money.deliver(eventsNaming(money, [charge]));
}

describe('the page of documents', () => {
  it('a customer without a payment sees that there are no documents yet, without a call to Stripe', async () => {
    const customer = await signUp();
    let shown: Shown | undefined;
    expect(await callsAtStripe(async () => (shown = await documentsOf(customer)))).toEqual([]);
    expect(shown?.status).toBe(200);
    expect(shown?.text).toContain('There are no documents yet');
  });

  it("a charged fix is listed with its pull request, Stripe's receipt and its refunds", async () => {
    const customer = await customerOutOfCredits(money);
    await deployFix(customer.apiKey, 42);
    const paid = await documentsOf(customer);
    expect(paid.text).toMatch(/Fix acme\/webshop #42<br><small>Paid · .*\$29\.00</);
    const receipt = await fetch(linkIn(paid, 'Receipt of'));
    expect(await receipt.text()).toContain('Receipt');
    const [intent] = atStripe(money, customer.customerId).payments;
    await money.stripe.refunds.create({ payment_intent: intent?.id ?? '', amount: 900 });
    expect((await documentsOf(customer)).text).toContain('>Paid, $9.00 refunded · ');
    await money.stripe.refunds.create({ payment_intent: intent?.id ?? '' });
    expect((await documentsOf(customer)).text).toContain('>Refunded · ');
  });

  it('a declined charge is listed as declined, without a receipt', async () => {
    const customer = await customerOutOfCredits(money, await money.newCard('tok_chargeCustomerFail'));
    await deployFix(customer.apiKey, 1);
    const { text } = await documentsOf(customer);
    expect(text).toContain('>Declined: nothing was charged<');
  });

  it("Pro's invoice and its credit note are listed with links to Stripe's page and PDFs", async () => {
    const customer = await proCustomer(money);
    const [invoice] = atStripe(money, customer.customerId).invoices;
    const refund_amount = 10_000;
    const about = { invoice: invoice?.id ?? '', amount: refund_amount, refund_amount };
    const note = await money.stripe.creditNotes.create({ ...about, reason: 'duplicate', memo: 'a <b> & c' });
    const shown = await documentsOf(customer);
    const { number } = invoice ?? {};
    expect(shown.text).toMatch(/>Paid · .*\$599\.00</);
    expect(shown.text).toContain(`>A duplicate. Invoice ${number}. a &lt;b&gt; &amp; c · `);
    expect(linkIn(shown, `View invoice ${number}`)).toContain('/invoice_pages/');
    for (const name of [`PDF of invoice ${number}`, `PDF of credit note ${note.number}`]) {
      const file = await fetch(linkIn(shown, name));
      expect(file.headers.get('content-type')).toBe('application/pdf');
    }
  });

  it('an open and a closed dispute are shown with what they mean for the account', async () => {
    const customer = await customerOutOfCredits(money);
    await deployFix(customer.apiKey, 7);
    await disputeNewest(customer);
    const open = await documentsOf(customer);
    expect(open.text).toContain('Until it is decided, no card is charged.');
    const [dispute] = money.double.state.disputes.newestFirst;
    await money.control(`disputes/${dispute?.id}/close`, { status: 'won' });
    const closed = await documentsOf(customer, '?list=disputes');
    expect(closed.text).toContain('Fix acme/webshop #7');
    expect(closed.text).toContain('Closed: the payment stands');
  });

  it('a page makes at most four calls to Stripe, all of them reads', async () => {
    const customer = await customerOutOfCredits(money);
    for (const pr of [1, 2, 3, 4, 5]) {
      await deployFix(customer.apiKey, pr);
      await disputeNewest(customer, { isKnown: pr === 5 });
    }
    const lists = ['GET /v1/charges', 'GET /v1/credit_notes', 'GET /v1/disputes/', 'GET /v1/invoices'];
    const all = await callsAtStripe(() => documentsOf(customer));
    expect(all.sort().map((one, i) => one.startsWith(lists[i] ?? '?'))).toEqual([true, true, true, true]);
    let shown: Shown | undefined;
    const some = await callsAtStripe(async () => (shown = await documentsOf(customer, '?list=disputes')));
    expect(some).toEqual(['GET /v1/charges', ...Array(3).fill('GET /v1/disputes')]);
    const older = /href="(\/billing\/documents\?list=disputes&amp;after=ch_\w+)"/.exec(
      shown?.text ?? '',
    )?.[1];
    const rest = await documentsOf(customer, `?${older?.replaceAll('&amp;', '&').split('?')[1]}`);
    expect(rest.text.match(/Your bank took the money back/g)).toHaveLength(2);
  });

  it('the page of older documents continues where the first one ends, only for its own customer', async () => {
    const [alice, mallory] = [await customerOutOfCredits(money), await customerOutOfCredits(money)];
    for (let pr = 1; pr <= 12; pr++) await deployFix(alice.apiKey, pr);
    const first = await documentsOf(alice);
    expect(first.text).toContain('#12<');
    expect(first.text).not.toContain('#2<');
    const [, older = ''] =
      /href="\/billing\/documents(\?list=payments&amp;after=\w+)"/.exec(first.text) ?? [];
    const query = older.replaceAll('&amp;', '&');
    const second = await documentsOf(alice, query);
    expect(second.text.match(/Fix acme\/webshop #\d+/g)).toEqual([
      'Fix acme/webshop #2',
      'Fix acme/webshop #1',
    ]);
    // A position in another customer's list shows none of that customer's documents.
    expect((await documentsOf(mallory, query)).text).not.toContain('acme/webshop');
  });

  it.each([
    '?list=secrets',
    '?list=payments&after=../cus_1',
    '?after=ch_1',
    '?of=cus_1',
    '?list=payments&after=ch_none',
  ])('the query %s, which names no documents, is refused, and the page says what to do', async (query) => {
    const { status, text } = await documentsOf(await customerOutOfCredits(money), query);
    expect(status).toBe(422);
    expect(text).toContain('Open them from the menu.');
  });

  it('while Stripe does not answer, the page says so and names what still works', async () => {
    const customer = await customerOutOfCredits(money);
    await money.control('faults', { path: '/v1/**', kind: '500_before', times: 50 });
    const { status, text, headers } = await documentsOf(customer);
    await money.control('faults/clear');
    expect([status, headers['retry-after']]).toEqual([503, '60']);
    expect(text).toContain('These pages work without Stripe');
    expect(text).not.toMatch(/StripeFault|\bat \w+ \(/);
  });

  it('after the customer was deleted at Stripe, the page says how to get the documents', async () => {
    const customer = await customerOutOfCredits(money);
    await deployFix(customer.apiKey, 1);
    const former = atStripe(money, customer.customerId).id;
    await money.stripe.customers.del(former);
    expect((await documentsOf(customer)).text).toContain('no longer lists your documents');
    await money.deliver(eventsNaming(money, [former]));
    expect((await documentsOf(customer)).text).toContain('no longer lists your documents');
    await addCard(customer.apiKey, await money.newCard());
    const current = await documentsOf(customer);
    expect(current.text).toContain('No payments.');
    expect(current.text).toContain('href="/billing/documents?of=former"');
    expect((await documentsOf(customer, '?of=former')).text).toContain('no longer lists your documents');
  });

  it('a dispute that Stripe no longer has is left out, but a wrong key for Stripe is an error', async () => {
    const { apiKey, customerId } = await customerOutOfCredits(money);
    await deployFix(apiKey, 1);
    const head = { ...(await headOf(money.deps, customerId)), openDisputes: ['du_gone'] };
    const newest = { list: null, after: null, isFormer: false };
    expect(await readDocuments(money.deps, head, newest)).toMatchObject({
      payments: { items: [{ pullRequest: { prNumber: 1 } }] },
      disputes: { items: [] },
    });
    const wrong = await answering(money.deps, () => ({ listPayments: failing('misconfigured') }));
    await expect(readDocuments(wrong, head, newest)).rejects.toMatchObject({
      code: 'payments_misconfigured',
    });
  });

  it('a link that does not lead to Stripe is not shown, and no link is logged', async () => {
    const customer = await customerOutOfCredits(money);
    await deployFix(customer.apiKey, 1);
    const charge = money.double.state.charges.newestFirst[0];
    if (charge === undefined) throw new Error('nothing was charged');
    const { result, lines } = await heard(() => documentsOf(customer));
    const link = linkIn(result, 'Receipt of');
    expect(link).toContain('/receipts/');
    expect(lines.join('\n')).not.toContain('/receipts/');
    for (const url of [
      'javascript:alert(1)',
      'https://stripe.com.evil.example/r',
      'http://pay.stripe.com/r',
    ]) {
      charge.receipt_url = url;
      const { text } = await documentsOf(customer);
      expect(text).not.toContain(url);
      expect(text).toContain('<small>Paid</small>');
    }
    charge.receipt_url = 'https://pay.stripe.com/receipts/r?s=ap';
    expect(linkIn(await documentsOf(customer), 'Receipt of')).toBe(charge.receipt_url);
  });
});

describe('amounts of documents', () => {
  it.each([
    [179_700, 'usd', '$1,797.00'],
    [-550, 'usd', '-$5.50'],
    [2_900, 'eur', '€29.00'],
    [2_900, 'jpy', '¥2,900'],
    [2_900, 'usdc', '2,900 usdc'],
  ])('an amount of %i in %s is shown as %s', (amount, currency, shown) => {
    expect(currencyOf(amount, currency)).toBe(shown);
  });
});
