import * as z from 'zod/mini';
import { handler as addPaymentMethod } from '../../functions/add-payment-method.ts';
import { handler as billFixAttempt } from '../../functions/bill-fix-attempt.ts';
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
  const result = await answer(command);
  return { status: result.statusCode ?? 0, body: JSON.parse(result.body ?? '{}') };
}

function answer(command: Exclude<Command, { kind: 'close' }>) {
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
