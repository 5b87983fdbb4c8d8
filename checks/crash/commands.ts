import * as z from 'zod/mini';
import { handler as addPaymentMethod } from '../../functions/add-payment-method.ts';
import { handler as billFixAttempt } from '../../functions/bill-fix-attempt.ts';
import { handler as subscribeToPro } from '../../functions/subscribe-to-pro.ts';
import { gatewayEvent, invocation } from '../../test/support/gateway.ts';

/** What a client sends, and sends again when it hears nothing. */
export const Command = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('bill'), apiKey: z.string(), fixId: z.string() }),
  z.object({ kind: z.literal('add_card'), apiKey: z.string(), card: z.string() }),
  z.object({ kind: z.literal('subscribe'), apiKey: z.string() }),
]);
export type Command = z.output<typeof Command>;

/** Runs a command through its function, as the gateway does; answers the status and the body. */
export async function send(command: Command): Promise<{ status: number; body: Record<string, unknown> }> {
  const result = await answer(command);
  return { status: result.statusCode ?? 0, body: JSON.parse(result.body ?? '{}') };
}

function answer(command: Command) {
  const { apiKey } = command;
  switch (command.kind) {
    case 'bill':
      return billFixAttempt(gatewayEvent({ apiKey, params: { id: command.fixId } }), invocation());
    case 'add_card': {
      const body = { payment_method_id: command.card, billing_consent: true };
      return addPaymentMethod(gatewayEvent({ apiKey, body }), invocation());
    }
    case 'subscribe':
      return subscribeToPro(gatewayEvent({ apiKey, body: { plan: 'pro' } }), invocation());
    default:
      return command satisfies never;
  }
}
