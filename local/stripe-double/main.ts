import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { type StripeDouble, startStripeDouble } from './server.ts';

/* `npm run stripe`: runs only the stand-in, for tries with Stripe's SDK or command line. */

const Environment = z.object({
  STRIPE_PORT: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(65_535)), 8_420),
});

const USAGE = `Starts a stand-in for Stripe on this machine.
Prints its address and the secret key for its API.

  npm run stripe

  STRIPE_PORT   the port to listen on; 8420 if it is not set

Open the address in a browser to see its objects and to move its clock. Ctrl-C stops it; nothing is kept.
local/stripe-double/README.md describes cards, controls, faults and webhooks.`;

process.exitCode = await main();

async function main(): Promise<0 | 1 | 2> {
  const flags = readFlags();
  if (typeof flags === 'string') {
    console.error(flags);
    return 2;
  }
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const started = await start();
  if (typeof started === 'string') {
    console.error(started);
    return 1;
  }
  await new Promise<void>((resolve) => {
    // The handlers stay: npm passes a terminal's Ctrl-C on, and a second one must not interrupt the stop.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
  await started.stop();
  console.log('stopped');
  return 0;
}

/** The flags, or one line about what is wrong with them. */
function readFlags(): { readonly help: boolean } | string {
  try {
    const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } });
    return { help: values.help };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [what = ''] = error.message.split('. ');
    return `${what}. npm run stripe -- --help lists the settings.`;
  }
}

/** The running stand-in, or one line about why it cannot start. */
async function start(): Promise<StripeDouble | string> {
  const settings = Environment.safeParse(process.env);
  if (!settings.success) {
    return `STRIPE_PORT is "${process.env['STRIPE_PORT']}"; it must be a whole number from 1 to 65535.`;
  }
  const port = settings.data.STRIPE_PORT;
  // A new key each time: a stored key would sooner or later be used elsewhere.
  const apiKey = `sk_test_${randomBytes(12).toString('hex')}`;
  try {
    const double = await startStripeDouble({ port, apiKey });
    introduce(double, apiKey);
    return double;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!('code' in error) || error.code !== 'EADDRINUSE') return error.message;
    const other = `STRIPE_PORT=${port + 1} npm run stripe`;
    return `Port ${port} is in use. Stop its program, or choose another port: ${other}`;
  }
}

function introduce({ url }: StripeDouble, apiKey: string): void {
  const key = `-u ${apiKey}:`;
  const lines = [
    '',
    `Stripe double   ${url}   (not Stripe: nothing here is real money)`,
    `secret key      ${apiKey}`,
    '',
    '# a customer, as the SDK would make one',
    `curl -s ${key} ${url}/v1/customers -d name=Ada -d 'metadata[plan]=trial'`,
    '# test cards: pm_card_visa, pm_card_chargeCustomerFail, pm_card_authenticationRequired, …',
    `curl -s ${key} ${url}/v1/customers`,
    '# an hour later',
    `curl -s ${url}/_double/clock -H 'content-type: application/json' -d '{"seconds":3600}'`,
    '',
    'Open the address in a browser to see its state. Ctrl-C stops it.',
    `ready ${url}`,
  ];
  console.log(lines.join('\n'));
}
