import { registerHooks } from 'node:module';
import * as z from 'zod/mini';
import type { Handler } from '../../lib/http/handler.ts';
import { gatewayEvent, invocation } from './gateway.ts';

/*
 * Answers one billing in a process of its own and says which of Node's and of others' modules that loaded: a module that was
 * loaded once stays, so only a fresh process can tell. The table's and Stripe's addresses are in the environment.
 */

const [, , apiKey = '', id = ''] = process.argv;
const loaded: string[] = [];
registerHooks({
  load: (url, context, next) => {
    loaded.push(url);
    return next(url, context);
  },
});
const { handler }: { handler: Handler } = await import('../../functions/bill-fix-attempt.ts');
const { statusCode, body = '' } = await handler(gatewayEvent({ apiKey, params: { id } }), invocation());
const { outcome } = z.object({ outcome: z.optional(z.string()) }).parse(JSON.parse(body));
const stripe = loaded.filter((url) => url.includes('/node_modules/stripe/')).length;
process.stdout.write(`${JSON.stringify({ statusCode, outcome, modules: loaded.length, stripe })}\n`);
process.exit(0);
