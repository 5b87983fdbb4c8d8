import { registerHooks } from 'node:module';
import * as z from 'zod/mini';
import type { Handler } from '../../lib/http/handler.ts';
import { gatewayEvent, invocation } from './gateway.ts';

/*
 * Answers one billing in its own process and prints which modules of Node and of packages it loaded. Modules
 * stay loaded, so only a fresh process can tell. The addresses of the table and of Stripe come from the
 * environment.
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
