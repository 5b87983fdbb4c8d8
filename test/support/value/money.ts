import type Stripe from 'stripe';
import { escalateInquiry } from '../../../local/stripe-double/resources/dispute-escalate.ts';
import {
  appealDispute,
  closeDispute,
  isClosed,
  isInquiry,
  isWithdrawn,
  reinstateFunds,
  withdrawFunds,
} from '../../../local/stripe-double/resources/dispute-life.ts';
import { openDispute } from '../../../local/stripe-double/resources/dispute-open.ts';
import { answerRefund } from '../../../local/stripe-double/resources/refund-life.ts';
import { at, type Chance, type Deed, invoicesOf, oneOf, partOf, type ValueWorld, wayOf } from './world.ts';

/* What pays invoices, and what of it goes back: refunds, disputes, credit notes. */

export const payInvoice: Deed = (world, { pick, way }) => {
  const one = oneOf(invoicesOf(world, 'open', 'uncollectible'), pick);
  return one && world.stripe.invoices.pay(one.id, way % 3 === 0 ? { paid_out_of_band: true } : {});
};

export const finalize: Deed = (world, { pick }) => {
  const one = oneOf(invoicesOf(world, 'draft'), pick);
  return one && world.stripe.invoices.finalizeInvoice(one.id);
};

export const giveUp: Deed = (world, { pick, way }) => {
  const one = oneOf(invoicesOf(world, 'open', 'uncollectible'), pick);
  if (one === undefined) return null;
  return way % 2 === 0
    ? world.stripe.invoices.voidInvoice(one.id)
    : world.stripe.invoices.markUncollectible(one.id);
};

/** A payment made by hand for a part of an open invoice; every other time one for the rest too. */
export const payPart: Deed = async (world, chance) => {
  const one = oneOf(invoicesOf(world, 'open'), chance.pick);
  if (one === undefined || one.amount_remaining < 100) return;
  await payOf(world, one, chance);
  if (chance.way % 2 === 0 && one.amount_remaining >= 50)
    await payOf(world, one, { ...chance, share: 1_000 });
};

async function payOf(world: ValueWorld, one: Stripe.Invoice, chance: Chance): Promise<void> {
  const { id } = await world.stripe.paymentIntents.create({
    amount: Math.max(50, partOf(one.amount_remaining, chance)),
    currency: 'usd',
    customer: world.stripeCustomerId,
    payment_method: wayOf(['pm_card_visa', 'pm_card_pendingRefund', 'pm_card_refundFail'], chance.way),
    confirm: true,
    off_session: true,
    allowed_payment_method_types: ['card'],
  });
  await world.stripe.invoices.attachPayment(one.id, { payment_intent: id });
}

export const refund: Deed = (world, chance) => {
  const left = world.double.state.charges.newestFirst.filter(
    ({ paid, amount, amount_refunded: refunded }) => paid && refunded < amount,
  );
  const charge = oneOf(left, chance.pick);
  if (charge === undefined) return null;
  const amount = partOf(charge.amount - charge.amount_refunded, chance);
  return world.stripe.refunds.create({ charge: charge.id, amount });
};

/** Also of one that succeeded: it can fail days later. */
export const answer: Deed = (world, { pick, way }) => {
  const one = oneOf(
    world.double.state.refunds.newestFirst.filter(
      ({ status }) => status === 'pending' || status === 'succeeded',
    ),
    pick,
  );
  if (one === undefined) return null;
  const outcome = one.status === 'succeeded' ? 'failed' : wayOf(['succeeded', 'failed', 'canceled'], way);
  return at(world, (scope) => answerRefund(scope, one, outcome));
};

export const dispute: Deed = (world, chance) => {
  const charge = oneOf(
    world.double.state.charges.newestFirst.filter(({ paid }) => paid),
    chance.pick,
  );
  if (charge === undefined) return null;
  const amount = partOf(charge.amount, chance);
  const inquiry = chance.way % 3 === 0;
  return at(world, (scope) => openDispute(scope, charge, { reason: 'fraudulent', amount, inquiry }));
};

export const moveDispute: Deed = (world, { pick, way }) => {
  const one = oneOf(world.double.state.disputes.newestFirst, pick);
  if (one === undefined) return null;
  return at(world, (scope) => {
    if (one.status === 'lost' && way % 2 === 0) return appealDispute(scope, one);
    if (isClosed(one)) return null;
    if (isInquiry(one))
      return way % 3 === 0 ? closeDispute(scope, one, 'warning_closed') : escalateInquiry(scope, one);
    switch (way % 6) {
      case 0:
        return isWithdrawn(one) ? reinstateFunds(scope, one) : withdrawFunds(scope, one);
      case 1:
        return closeDispute(scope, one, 'prevented');
      case 2:
      case 3:
        return closeDispute(scope, one, 'won');
      default:
        return closeDispute(scope, one, 'lost');
    }
  });
};

/** Where the value of a credit note goes that was paid already. */
const WAYS = ['credit_amount', 'refund_amount', 'out_of_band_amount'] as const;

export const creditNote: Deed = (world, chance) => {
  const one = oneOf(invoicesOf(world, 'open', 'paid', 'uncollectible'), chance.pick);
  if (one === undefined || one.total <= 0) return null;
  const whole = one.status === 'paid' ? one.total : Math.max(one.amount_remaining, 1);
  const amount = partOf(whole, chance);
  const after = one.status === 'paid' ? amount : Math.max(0, amount - one.amount_remaining);
  return world.stripe.creditNotes.create({
    invoice: one.id,
    amount,
    ...(after > 0 && { [wayOf(WAYS, chance.way)]: after }),
  });
};

const netOf = (line: Stripe.InvoiceLineItem): number =>
  line.amount - (line.discount_amounts ?? []).reduce((sum, { amount }) => sum + amount, 0);

/** As Stripe adds the tax of a line to what is credited of it. */
const withTax = (line: Stripe.InvoiceLineItem | undefined, cents: number): number =>
  (line?.taxes ?? []).reduce(
    (sum, tax) =>
      tax.tax_behavior === 'exclusive' && line !== undefined
        ? sum + Math.round((tax.amount * cents) / netOf(line))
        : sum,
    cents,
  );

export const creditLines: Deed = async (world, chance) => {
  const one = oneOf(invoicesOf(world, 'open', 'paid'), chance.pick);
  const positive = one?.lines.data.filter((line) => netOf(line) > 0) ?? [];
  const first = oneOf(positive, chance.way);
  if (one === undefined || first === undefined) return;
  const named = chance.way % 4 === 0 ? positive.slice(0, 2) : [first];
  const lines = named.map((line) => ({
    type: 'invoice_line_item' as const,
    invoice_line_item: line.id,
    amount: partOf(netOf(line), chance),
  }));
  const total = lines.reduce((sum, line, i) => sum + withTax(named[i], line.amount), 0);
  const after = one.status === 'paid' ? total : Math.max(0, total - one.amount_remaining);
  const way = wayOf(WAYS, chance.way);
  await world.stripe.creditNotes.create({ invoice: one.id, lines, ...(after > 0 && { [way]: after }) });
};

export const voidNote: Deed = ({ double, stripe }, { pick }) => {
  const one = oneOf(
    double.state.creditNotes.newestFirst.filter(({ status }) => status === 'issued'),
    pick,
  );
  return one && stripe.creditNotes.voidCreditNote(one.id);
};
