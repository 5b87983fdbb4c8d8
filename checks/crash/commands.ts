import * as z from 'zod/mini';
import { handler as addPaymentMethod } from '../../functions/add-payment-method.ts';
import { handler as billFixAttempt } from '../../functions/bill-fix-attempt.ts';
import { handler as billingCard } from '../../functions/billing-card.ts';
import { handler as billingPlan } from '../../functions/billing-plan.ts';
import { handler as closeCustomer } from '../../functions/close-customer.ts';
import { handler as stripeWebhook } from '../../functions/stripe-webhook.ts';
import { handler as subscribeToPro } from '../../functions/subscribe-to-pro.ts';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import { gatewayEvent, invocation } from '../../test/support/gateway.ts';

export const WEBHOOK_SECRET = 'whsec_crash';

/** What a client, an operator or Stripe sends, and sends again when there is no answer. */
export const Command = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('bill'), apiKey: z.string(), fixId: z.string() }),
  z.object({ kind: z.literal('add_card'), apiKey: z.string(), card: z.string() }),
  z.object({ kind: z.literal('subscribe'), apiKey: z.string() }),
  z.object({ kind: z.literal('close'), customerId: z.string() }),
  z.object({ kind: z.literal('webhook'), event: z.string() }),
  // A browser's request for a page of the card or the plan. With a form, the form is sent.
  z.object({
    kind: z.literal('page'),
    path: z.string(),
    cookies: z.array(z.string()),
    form: z.nullable(z.string()),
  }),
]);
export type Command = z.output<typeof Command>;

/** Runs a command through its function, as the gateway or an operator does. Returns status and body. */
export async function send(command: Command): Promise<{ status: number; body: Record<string, unknown> }> {
  if (command.kind === 'close') {
    const closed = await closeCustomer({
      customer_id: command.customerId,
      reason: 'asked to',
      actor: 'tests',
    });
    return { status: closed.ok ? 200 : 500, body: { ...closed } };
  }
  if (command.kind === 'page') return sendPage(command);
  const result = await answer(command);
  return { status: result.statusCode ?? 0, body: JSON.parse(result.body ?? '{}') };
}

/** The body holds the address that the browser is sent to, and the page itself. */
async function sendPage({ path, cookies, form }: Extract<Command, { kind: 'page' }>) {
  const { pathname, search } = new URL(path, process.env['API_URL']);
  const event = gatewayEvent({
    headers: {
      host: 'billing.test',
      'sec-fetch-site': 'same-origin',
      ...(form !== null && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(form !== null && { rawBody: Buffer.from(form).toString('base64') }),
  });
  const handler = /^\/billing\/(?:plan|approve)\b/.test(pathname) ? billingPlan : billingCard;
  const request = {
    ...event,
    routeKey: `${form === null ? 'GET' : 'POST'} ${pathname}`,
    rawPath: pathname,
    rawQueryString: search.slice(1),
    isBase64Encoded: form !== null,
    cookies,
  };
  const { statusCode = 0, headers = {}, body: text = '' } = await handler(request, invocation());
  return { status: statusCode, body: { location: headers['location'] ?? null, text } };
}

function answer(command: Exclude<Command, { kind: 'close' | 'page' }>) {
  switch (command.kind) {
    case 'bill': {
      const { apiKey } = command;
      return billFixAttempt(gatewayEvent({ apiKey, params: { id: command.fixId } }), invocation());
    }
    case 'add_card': {
      const { apiKey } = command;
      const body = { payment_method_id: command.card, billing_consent: true };
      return addPaymentMethod(gatewayEvent({ apiKey, body }), invocation());
    }
    case 'subscribe': {
      const { apiKey } = command;
      return subscribeToPro(gatewayEvent({ apiKey, body: { plan: 'pro' } }), invocation());
    }
    case 'webhook': {
      const { event } = command;
      const signature = signatureHeader(event, [WEBHOOK_SECRET], Math.floor(Date.now() / 1000));
      const headers = { 'stripe-signature': signature };
      return stripeWebhook(gatewayEvent({ rawBody: event, headers }), invocation());
    }
    default:
      return command satisfies never;
  }
}
