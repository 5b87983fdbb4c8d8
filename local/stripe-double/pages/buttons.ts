import type Stripe from 'stripe';
import { idOf } from '../collection.ts';
import type { Double } from '../double.ts';
import { isClosed, isInquiry, isWithdrawn } from '../resources/dispute-life.ts';
import { awaitsCardholder } from '../resources/payment-intents.ts';
import { type Button, button } from './actions.ts';
import type { Html } from './markup.ts';

type Choice = Omit<Button, 'back'>;

/** Buttons for the controls that fit an object in its current state. */
export function buttonsFor(double: Double, id: string): Html[] {
  const { state } = double;
  const intent = state.paymentIntents.find(id);
  const charge = state.charges.find(intent === undefined ? id : idOf(intent.latest_charge));
  const dispute = state.disputes.find(id);
  const choices: Choice[] = [
    ...(intent === undefined ? [] : authentication(intent)),
    ...(charge === undefined ? [] : disputing(charge)),
    ...(dispute === undefined ? [] : verdicts(dispute)),
    ...refundAnswers(state.refunds.find(id)),
    ...setupAnswers(state.setupIntents.find(id)),
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
    {
      label: 'Warn of fraud',
      control: '/_double/charges/:id/early_fraud_warning',
      id,
      input: { fraud_type: 'misc' },
    },
  ];
}

function verdicts(dispute: Stripe.Dispute): Choice[] {
  const { id } = dispute;
  const close = { control: '/_double/disputes/:id/close', id } as const;
  const reinstate: Choice[] = isWithdrawn(dispute)
    ? [{ label: 'Reinstate the funds', control: '/_double/disputes/:id/reinstate_funds', id, input: {} }]
    : [];
  if (dispute.status === 'lost') {
    return [{ label: 'Appeal', control: '/_double/disputes/:id/appeal', id, input: {} }, ...reinstate];
  }
  if (isClosed(dispute)) return reinstate;
  const prevent: Choice = { ...close, label: 'Close as prevented', input: { status: 'prevented' } };
  if (isInquiry(dispute)) {
    return [
      { label: 'Escalate to a chargeback', control: '/_double/disputes/:id/escalate', id, input: {} },
      { ...close, label: 'Close the inquiry', input: { status: 'warning_closed' } },
      prevent,
    ];
  }
  return [
    { ...close, label: 'Close as won', input: { status: 'won' } },
    { ...close, label: 'Close as lost', input: { status: 'lost' } },
    prevent,
    ...reinstate,
  ];
}

function refundAnswers(refund: Stripe.Refund | undefined): Choice[] {
  if (refund === undefined) return [];
  const answer = { control: '/_double/refunds/:id/answer', id: refund.id } as const;
  const fail: Choice = { ...answer, label: 'Fail the refund', input: { status: 'failed' } };
  if (refund.status === 'succeeded') return [fail];
  if (refund.status !== 'pending') return [];
  return [
    { ...answer, label: 'Let the refund succeed', input: { status: 'succeeded' } },
    fail,
    { ...answer, label: 'Cancel the refund', input: { status: 'canceled' } },
  ];
}

function setupAnswers(setup: Stripe.SetupIntent | undefined): Choice[] {
  if (setup?.status !== 'requires_action') return [];
  const answer = { control: '/_double/setup_intents/:id/authenticate', id: setup.id } as const;
  return [
    { ...answer, label: 'Authenticate as the cardholder', input: { succeeds: true } },
    { ...answer, label: 'Fail the authentication', input: { succeeds: false } },
  ];
}
