import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { errorCode, reasonOf, SetupError } from '../../lib/settings/setup-error.ts';
import { STRIPE_API_VERSION } from '../../lib/stripe/sdk.ts';
import { startGuarded } from '../../local/stack/guarded-process.ts';
import { cachedFolder } from '../support/tool-cache.ts';
import { distinctCalls, type RecordedCall } from './recorded-call.ts';

const MODULE = 'github.com/stripe/stripe-mock';
/** Newest first, because a module proxy may lack some. Each with the API version that it describes. */
const RELEASES = [
  { version: 'v0.206.0', describes: '2026-09-30.endive' },
  { version: 'v0.203.0', describes: '2026-08-26.dahlia' },
] as const;
type Release = (typeof RELEASES)[number];
const READY_WITHIN_MS = 30_000;
const ANSWERS_WITHIN_MS = 10_000;
const STOP_GRACE_MS = 3_000;
const API_KEY = 'sk_test_replay';

export interface Refused {
  readonly call: RecordedCall;
  readonly reason: string;
}

export interface StripeMock {
  /** The version of Stripe's API that it describes. */
  readonly describes: string;
  /** Sends each distinct call. Returns the rejected ones. */
  replayAll(calls: readonly RecordedCall[]): Promise<Refused[]>;
  stop(): Promise<void>;
}

/**
 * Stripe's own stripe-mock on this machine. It stores nothing and accepts every id, but checks each parameter
 * against Stripe's published API description.
 * @throws SetupError when it cannot be built or does not start
 */
export async function startStripeMock(): Promise<StripeMock> {
  const { executable, describes } = installStripeMock();
  // It chooses its own port. Without -https-addr it also listens on a fixed HTTPS port.
  const command = [executable, '-http-addr', '127.0.0.1:0', '-https-addr', '127.0.0.1:0'];
  let listening: (url: string) => void = () => {};
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const mock = startGuarded(command, {
    onLine: (line) => {
      const address = /^Listening for HTTP at address: (\S+)$/.exec(line)?.[1];
      if (address !== undefined) listening(`http://${address}`);
    },
  });
  const stop = () => mock.stop(STOP_GRACE_MS);
  const ready = await Promise.race([
    url,
    mock.ended.then(() => null),
    sleep(READY_WITHIN_MS, null, { ref: false }),
  ]);
  if (ready === null) {
    await stop();
    throw new SetupError(`stripe-mock did not start: ${mock.lastLines.at(-1) ?? (await mock.ended)}`);
  }
  return { describes, replayAll: (calls) => replayAll(ready, describes, calls), stop };
}

/** The newest available release, built once from source. @throws SetupError without Go or any release */
function installStripeMock(): { executable: string; describes: string } {
  const reasons: string[] = [];
  for (const release of RELEASES) {
    try {
      return { executable: join(build(release), 'stripe-mock'), describes: release.describes };
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        throw new SetupError('Go is not installed. It builds stripe-mock from source.');
      }
      reasons.push(`${release.version}: ${reasonOf(error)}`);
      console.log(`stripe-mock ${release.version} is not available here.`);
    }
  }
  throw new SetupError(`stripe-mock could not be built. ${reasons.join(' ')}`);
}

const build = ({ version }: Release): string =>
  cachedFolder(`stripe-mock-${version}`, (unfinished) => {
    console.log(`Building ${MODULE}@${version} …`);
    execFileSync('go', ['install', `${MODULE}@${version}`], {
      env: { ...process.env, GOBIN: unfinished },
      stdio: 'pipe',
    });
  });

async function replayAll(url: string, describes: string, calls: readonly RecordedCall[]): Promise<Refused[]> {
  const refused: Refused[] = [];
  for (const call of distinctCalls(calls)) {
    const message = await refusal(url, describes, call);
    if (message === null) continue;
    const culprits = await parametersAtFault(url, describes, call);
    refused.push({ call, reason: culprits.length === 0 ? message : `${culprits.join(', ')}: ${message}` });
  }
  return refused;
}

/** The parameters whose removal makes the call valid. The message seldom names a parameter. */
async function parametersAtFault(url: string, describes: string, call: RecordedCall): Promise<string[]> {
  const culprits: string[] = [];
  for (const name of new Set(new URLSearchParams(call.body).keys())) {
    const rest = new URLSearchParams(call.body);
    rest.delete(name);
    if ((await refusal(url, describes, { ...call, body: rest.toString() })) === null) culprits.push(name);
  }
  return culprits;
}

const ErrorAnswer = z.object({ error: z.object({ message: z.string() }) });

/** The reason why stripe-mock rejects the call. Null if it accepts the call. */
async function refusal(url: string, describes: string, call: RecordedCall): Promise<string | null> {
  const isPost = call.method === 'POST';
  const parameters = asDescribed(call, describes).toString();
  const query = isPost || parameters === '' ? '' : `?${parameters}`;
  const response = await fetch(`${url}${call.path}${query}`, {
    method: call.method,
    headers: {
      authorization: `Bearer ${API_KEY}`,
      ...(isPost && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(call.idempotencyKey !== null && { 'idempotency-key': call.idempotencyKey }),
      ...(call.version !== null && { 'stripe-version': call.version }),
    },
    ...(isPost && { body: parameters }),
    signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
  });
  const text = await response.text();
  if (response.ok) return null;
  const { message } = ErrorAnswer.parse(JSON.parse(text)).error;
  // Removes the validator's memory address, which differs between runs.
  return `${response.status} ${message.replace(/^Request validation error: validator \w+ failed: /, '')}`;
}

/** Parameters that Stripe added later, by its changelog, to the call and in the version named. */
const LATER = [
  {
    since: '2026-09-30.endive',
    call: 'POST /v1/checkout/sessions',
    name: 'allowed_payment_method_types[0]',
  },
] as const;

/** Replaces our API version with the described one, because ours is newer, and leaves out what is newer. */
function asDescribed({ method, path, body }: RecordedCall, describes: string): URLSearchParams {
  const parameters = new URLSearchParams(body);
  for (const { since, call, name } of LATER) {
    if (describes < since && call === `${method} ${path}`) {
      parameters.delete(name);
      // Without the list, a setup session needs a currency.
      parameters.set('currency', 'usd');
    }
  }
  if (parameters.get('api_version') === STRIPE_API_VERSION) parameters.set('api_version', describes);
  return parameters;
}
