import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { type StripeDouble, startStripeDouble } from '../../local/stripe-double/server.ts';
import { optionsOf, runCheck } from '../support/program.ts';
import { textTable } from '../support/text-table.ts';
import { makeRareCalls } from './rare-calls.ts';
import { distinctCalls, pathShape, type RecordedCall, recordedCalls } from './recorded-call.ts';
import { recordServiceCalls } from './service-calls.ts';
import { type StripeMock, startStripeMock } from './stripe-mock.ts';

/*
 * Compares every call of the service with Stripe's published API description. The stand-in is our own model
 * of Stripe, so it can accept a parameter that does not exist. stripe-mock is Stripe's.
 */

const USAGE = `npm run check:stripe-mock    the service's calls against Stripe's description of its API: 1 minute

Needs Go: the first run builds Stripe's stripe-mock from the module proxy.`;
const API_KEY = 'sk_test_double';

/** A call that Stripe's API description does not allow. */
const WRONG: RecordedCall = {
  method: 'POST',
  path: '/v1/customers',
  body: 'name=Ada&no_such_parameter=1',
  idempotencyKey: null,
  version: STRIPE_API_VERSION,
};

optionsOf(USAGE, {});
await runCheck(async () => {
  const mock = await startStripeMock();
  try {
    return await allAccepted(mock);
  } finally {
    await mock.stop();
  }
});

async function allAccepted(mock: StripeMock): Promise<boolean> {
  const [expected] = await mock.replayAll([WRONG]);
  if (expected === undefined) {
    console.log('stripe-mock accepted an unknown parameter, so further results would prove nothing.');
    return false;
  }
  console.log(`An unknown parameter is rejected, as expected: ${expected.reason}\n`);

  console.log('Recording the calls of whole journeys through the service …');
  const calls = [
    ...(await recordServiceCalls()),
    ...(await record((running) => makeRareCalls(running, API_KEY))),
  ];
  const refused = new Map((await mock.replayAll(calls)).map(({ call, reason }) => [call, reason]));
  const distinct = distinctCalls(calls);
  const rows = distinct.map((call) => [
    call.method,
    pathShape(call),
    namesOf(call),
    refused.get(call) ?? 'accepted',
  ]);
  console.log(textTable(['method', 'path', 'parameters', 'stripe-mock'], rows));
  console.log(
    `\n${calls.length} calls, ${distinct.length} distinct: ${distinct.length - refused.size} accepted, ` +
      `${refused.size} rejected. Checked against ${mock.describes}; the service uses ${STRIPE_API_VERSION}.`,
  );
  return refused.size === 0 && distinct.length > 0;
}

/** The calls to the stand-in while `work` runs. */
async function record(work: (running: StripeDouble) => Promise<void>): Promise<RecordedCall[]> {
  const running = await startStripeDouble({ apiKey: API_KEY });
  try {
    await work(running);
    return recordedCalls(running.double.calls.all);
  } finally {
    await running.stop();
  }
}

/** The top-level parameters, in the order sent. */
function namesOf({ body }: RecordedCall): string {
  const names = [...new URLSearchParams(body).keys()].map((name) => name.replace(/\[.*$/, ''));
  return [...new Set(names)].join(' ');
}
