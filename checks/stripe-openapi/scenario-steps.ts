import type Stripe from 'stripe';
import * as z from 'zod/mini';

/** The stand-in as the scenario sees it. */
export interface Account {
  readonly stripe: Stripe;
  /** Calls a control of the stand-in, by its path under /_double. */
  control(path: string, input?: unknown): Promise<void>;
}

/** An account on the stand-in that runs at `url`. */
export const accountAt = (url: string, stripe: Stripe): Account => ({
  stripe,
  control: async (path, input = {}) => {
    const response = await fetch(`${url}/_double/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    await response.body?.cancel();
  },
});

/** A customer with this card as the default. */
export async function customerWith(
  { stripe }: Account,
  card: string,
): Promise<{ id: string; method: string }> {
  const { id } = await stripe.customers.create({ name: 'Ada', email: 'ada@customer.example' });
  const method = await stripe.paymentMethods.attach(card, { customer: id });
  await stripe.customers.update(id, { invoice_settings: { default_payment_method: method.id } });
  return { id, method: method.id };
}

interface Payment {
  readonly customer: string;
  readonly payment_method: string;
}

export const offSession = ({
  customer,
  payment_method: method,
}: Payment): Stripe.PaymentIntentCreateParams => ({
  amount: 2_900,
  currency: 'usd',
  customer,
  payment_method: method,
  off_session: true,
  confirm: true,
  allowed_payment_method_types: ['card'],
});

/** A customer who paid $29 with this card. */
export async function paidBy(account: Account, card: string): Promise<Stripe.PaymentIntent> {
  const { id, method } = await customerWith(account, card);
  const payment = { customer: id, payment_method: method };
  return await account.stripe.paymentIntents.create(offSession(payment));
}

const StripeError = z.object({ type: z.string(), statusCode: z.int() });

/** @throws when the stand-in accepts the call */
export async function refused(call: Promise<unknown>): Promise<void> {
  const error = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (error === null) throw new Error('a call that Stripe rejects was accepted');
  if (!StripeError.safeParse(error).success) throw error;
}
