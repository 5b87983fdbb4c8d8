import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import type { Double } from '../double.ts';
import { isClosed } from '../resources/disputes.ts';
import { awaitsCardholder } from '../resources/payment-intents.ts';
import { type Button, button } from './actions.ts';
import type { Html } from './markup.ts';

type Choice = Omit<Button, 'back'>;

/** The buttons for what the double's controls can do to an object in its present state. */
export function buttonsFor(double: Double, id: string): Html[] {
  const { state } = double;
  const intent = state.paymentIntents.find(id);
  const charge = state.charges.find(intent === undefined ? id : idOf(intent.latest_charge));
  const dispute = state.disputes.find(id);
  const choices: Choice[] = [
    ...(intent === undefined ? [] : authentication(intent)),
    ...(charge === undefined ? [] : disputing(charge)),
    ...(dispute === undefined ? [] : verdicts(dispute)),
    ...(state.events.find(id) === undefined
      ? []
      : [{ label: 'Send it again', control: '/_double/events/:id/redeliver', id, input: {} } as const]),
  ];
  return choices.map((choice) => button({ ...choice, back: `/objects/${id}` }));
}

function authentication(intent: Stripe.PaymentIntent): Choice[] {
  if (!awaitsCardholder(intent)) return [];
  const answer = { control: '/_double/payment_intents/:id/authenticate', id: intent.id } as const;
  return [
    { ...answer, label: 'Authenticate as the cardholder', input: { succeeds: true } },
    { ...answer, label: 'Fail the authentication', input: { succeeds: false } },
  ];
}

function disputing({ id, status, disputed }: Stripe.Charge): Choice[] {
  if (status !== 'succeeded' || disputed) return [];
  const open = { control: '/_double/charges/:id/dispute', id } as const;
  return [
    { ...open, label: 'Dispute as fraudulent', input: { reason: 'fraudulent', inquiry: false } },
    { ...open, label: 'Open an inquiry', input: { reason: 'fraudulent', inquiry: true } },
  ];
}

function verdicts(dispute: Stripe.Dispute): Choice[] {
  if (isClosed(dispute)) return [];
  const close = { control: '/_double/disputes/:id/close', id: dispute.id } as const;
  if (dispute.status.startsWith('warning')) {
    return [{ ...close, label: 'Close the inquiry', input: { status: 'warning_closed' } }];
  }
  return [
    { ...close, label: 'Close as won', input: { status: 'won' } },
    { ...close, label: 'Close as lost', input: { status: 'lost' } },
  ];
}
