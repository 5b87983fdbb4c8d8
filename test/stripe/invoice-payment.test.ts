import { describe, expect, it } from 'vitest';
import { planCalls } from '../../lib/stripe/client/plans.ts';
import { invoiceFrom, PRICES, stripeWith } from '../support/stripe-objects.ts';

/* What Stripe's answer to the payment of an invoice says. */

const paying = (status: string) => {
  const stripe = stripeWith({ 'invoices/in_1/pay': invoiceFrom({ status }) });
  const payment = { invoiceId: 'in_1', paymentMethodId: 'pm_1', idempotencyKey: 'renewal:c_1:1' };
  return planCalls(stripe, PRICES).payInvoice(payment);
};

describe('the payment of an invoice', () => {
  it('an invoice is paid if Stripe answers that it is paid', async () => {
    await expect(paying('paid')).resolves.toBeUndefined();
  });

  it.each(['open', 'uncollectible'])(
    'the payment of an invoice has no outcome while Stripe answers that the invoice is %s',
    async (status) => {
      await expect(paying(status)).rejects.toMatchObject({
        kind: 'indeterminate',
        facts: { answered: true },
      });
    },
  );
});
