import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { ROUTES } from '../../local/stripe-double/routes.ts';
import { startStripeDouble } from '../../local/stripe-double/server.ts';
import { pathShape } from '../stripe-mock/recorded-call.ts';
import { isCommitted } from '../support/generated-page.ts';
import { optionsOf, runCheck } from '../support/program.ts';
import { type StripeDescription, stripeDescription } from './description.ts';
import { KNOWN_DIFFERENCES, type KnownDifference } from './differences.ts';
import { page } from './page.ts';
import { chargeIn, SPOILED } from './planted.ts';
import { type Answer, recorder } from './recorder.ts';
import { playRefusals, readLists } from './refusals.ts';
import { playScenario } from './scenario.ts';
import { accountAt } from './scenario-steps.ts';
import { compileAsSdkTypes } from './sdk-types.ts';

/*
 * Compares the stand-in's answers and events with independent sources: Stripe's own API description, by a
 * generic validator, and the types of the pinned SDK, by the compiler.
 */

const USAGE = `npm run check:stripe-openapi [-- --write]    answers and events against Stripe's description and SDK types

Takes 10 seconds. Needs Go: the description is part of Stripe's stripe-mock. The first run gets stripe-mock
from the module proxy.
  --write    write docs/checks/stripe-specification.md`;
const API_KEY = 'sk_test_double';
const PAGE = 'docs/checks/stripe-specification.md';
const DOUBLE = 'local/stripe-double';
const CHANGELOG = 'node_modules/stripe/CHANGELOG.md';
const SHOWN = 60;

/** Calls that Stripe rejects for every account. */
const NEVER_SUCCEEDS: readonly string[] = [
  // Only a refund that waits for the customer can be canceled, and a card refund never waits.
  'POST /v1/refunds/:id/cancel',
];

const { write = false } = optionsOf(USAGE, { write: { type: 'boolean' } });
await runCheck(async () => {
  const description = stripeDescription();
  const { answers, events } = await played();
  const complaints = [
    ...blindSpots(description, answers),
    ...unplayed(description, answers, events),
    ...differences(description, answers, events),
    ...unprovenDifferences(description),
    ...compilerErrors(answers, events),
  ];
  for (const complaint of complaints.slice(0, SHOWN)) console.log(complaint);
  const found = page({ version: description.version, routes: ROUTES, events });
  const isCurrent = isCommitted(PAGE, found, write, 'npm run check:stripe-openapi');
  console.log(
    `${answers.length} answers and ${events.length} events of ${ROUTES.length} calls, against ${description.version} ` +
      `and the SDK's types at ${STRIPE_API_VERSION}: ${complaints.length} complaints.`,
  );
  return complaints.length === 0 && isCurrent;
});

interface DeliveredEvent {
  readonly type: string;
  readonly data: { readonly object: unknown };
}

async function played(): Promise<{ answers: readonly Answer[]; events: readonly DeliveredEvent[] }> {
  const running = await startStripeDouble({ apiKey: API_KEY });
  try {
    const recording = recorder(running.url, API_KEY);
    const account = accountAt(running.url, recording.stripe);
    await playScenario(account).catch((error: unknown) => {
      throw new SetupError(`The scenario failed: ${reasonOf(error)}`);
    });
    await readLists(recording, ROUTES);
    await playRefusals(recording, account, ROUTES);
    return { answers: recording.answers, events: running.double.state.events.newestFirst };
  } finally {
    await running.stop();
  }
}

/** Checks the judges: a judge that misses a planted fault proves nothing. */
function blindSpots(description: StripeDescription, answers: readonly Answer[]): string[] {
  const charge = chargeIn(answers.map(({ body }) => body));
  if (charge === undefined) return ['The scenario has no charge.'];
  const blind = SPOILED.filter(({ spoil }) => description.object(spoil(charge))?.length === 0);
  const forCompiler = SPOILED.filter(({ isForValidatorOnly }) => !isForValidatorOnly);
  const { errors } = compileAsSdkTypes(forCompiler.map(({ spoil }) => spoil(charge)));
  const lines = new Set(
    errors.map((error) => /\((\d+),/.exec(error)?.[1]).filter((line) => line !== undefined),
  );
  return [
    ...blind.map(({ how }) => `The validator does not notice ${how}.`),
    ...(lines.size === forCompiler.length
      ? []
      : [`The compiler notices ${lines.size} of ${forCompiler.length} faults.`]),
  ];
}

/** Calls without an answer of each kind, and supported event types that were not sent. */
function unplayed(
  { eventTypes }: StripeDescription,
  answers: readonly Answer[],
  events: readonly DeliveredEvent[],
): string[] {
  const seen = new Set(answers.map((one) => `${one.method} ${pathShape(one)} ${one.status === 200}`));
  const routes = ROUTES.flatMap(({ method, path }) => [
    ...(seen.has(`${method} ${path} true`) !== NEVER_SUCCEEDS.includes(`${method} ${path}`)
      ? []
      : [`No ${method} ${path} succeeds in the scenario.`]),
    ...(seen.has(`${method} ${path} false`) ? [] : [`No ${method} ${path} is rejected in the scenario.`]),
  ]);
  const seenTypes = new Set(events.map(({ type }) => type));
  const missing = [...typesInSource(eventTypes)].filter((type) => !seenTypes.has(type));
  return [...routes, ...missing.toSorted().map((type) => `The scenario causes no ${type}.`)];
}

/** The event types named in the stand-in's source, except in a file that lists most of them. */
function typesInSource(eventTypes: ReadonlySet<string>): ReadonlySet<string> {
  const named = readdirSync(DOUBLE, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(DOUBLE, file), 'utf8'))
    .map((source) => [...source.matchAll(/'([a-z_.]+)'/g)].map(([, word = '']) => word))
    .map((words) => words.filter((word) => eventTypes.has(word)))
    .filter((types) => types.length < eventTypes.size / 2);
  return new Set(named.flat());
}

function differences(
  description: StripeDescription,
  answers: readonly Answer[],
  events: readonly DeliveredEvent[],
): string[] {
  const unused = new Set(KNOWN_DIFFERENCES.map(({ at }) => at));
  const known = new Set(unused);
  const complaints = new Map<string, string>();
  const complain = (at: string, what: string, where: string) => {
    unused.delete(at);
    if (!known.has(at)) complaints.set(`${at} ${what}`, `${at}: ${what} (${where}).`);
  };
  for (const answer of answers) {
    const { method, path, status, body } = answer;
    const where = `${method} ${pathShape(answer)} ${status}`;
    const found = description.answer(method, path, status, body);
    if (found !== undefined) for (const { at, what } of found) complain(at, what, where);
    else if (isServed(answer)) complain(`${method} ${pathShape(answer)}`, 'no such call', where);
  }
  for (const event of events) {
    for (const { at, what } of description.object(event) ?? []) complain(at, what, `event ${event.type}`);
    const found = description.object(event.data.object);
    if (found === undefined) complain(event.type, 'has an object of an unknown kind', 'event');
    for (const { at, what } of found ?? []) complain(at, what, `event ${event.type}`);
  }
  return [
    ...complaints.values(),
    ...[...unused].map((at) => `${at}: listed as a known difference, but no answer differs.`),
  ];
}

function isServed(answer: Answer): boolean {
  return ROUTES.some(({ method, path }) => method === answer.method && path === pathShape(answer));
}

function unprovenDifferences(description: StripeDescription): string[] {
  const changelog = readFileSync(CHANGELOG, 'utf8');
  const isProven = (one: KnownDifference): boolean => {
    switch (one.because) {
      case 'newer':
        return changelog.includes(one.changelog);
      case 'sdk':
        return description.isKnownToSdks(one.schema, one.at.split('.').at(-1) ?? '');
      case 'stated':
        return one.reason.length > 0;
      default:
        return one satisfies never;
    }
  };
  return KNOWN_DIFFERENCES.filter((one) => !isProven(one)).map(
    ({ at, because }) => `${at}: the known difference is not proven by what it names (${because}).`,
  );
}

function compilerErrors(answers: readonly Answer[], events: readonly DeliveredEvent[]): string[] {
  const { errors, objects } = compileAsSdkTypes([...answers.map(({ body }) => body), ...events]);
  console.log(`${objects} distinct objects were compiled as the types of the SDK.`);
  return errors.map((error) => error.slice(0, 400));
}
