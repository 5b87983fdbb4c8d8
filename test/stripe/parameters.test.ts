import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BillingError } from '../../lib/errors.ts';
import { Parameters } from '../../lib/settings/parameters.ts';

const SECRET = 'sk_test_TheSecretItself';
const PARAMETER = '/rsolv/test/stripe-secret-key';

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

const VALUE: Answer = { status: 200, body: JSON.stringify({ Parameter: { Value: SECRET } }) };

/* SSM's answer. Null stalls the request. */
let answer: Answer | null;
/* Answers before that one. */
let firstAnswers: Answer[];
let asked: Asked[];
/* Time passes only in the tests, and when something waits. */
let nowMs: number;
let stale: string[];
let parameters: Parameters;
let stop: () => Promise<void>;

/** The environment of a deployed function. One object for all tests, as in a running function. */
const env: NodeJS.ProcessEnv = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'ItsOwnSecret',
  AWS_SESSION_TOKEN: 'ItsOwnToken',
};

beforeEach(async () => {
  answer = VALUE;
  firstAnswers = [];
  asked = [];
  nowMs = Date.parse('2026-03-03T12:00:00Z');
  const counted: string[] = [];
  stale = counted;
  env['STRIPE_SECRET_KEY_PARAMETER'] = PARAMETER;
  parameters = new Parameters(env, {
    nowMs: () => nowMs,
    random: () => 0.5,
    sleep: async (ms) => {
      nowMs += ms;
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
    onStale: (name) => counted.push(name),
  });
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    asked.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    const next = firstAnswers.shift() ?? answer;
    if (next === null) return;
    response.writeHead(next.status, { 'content-type': 'application/x-amz-json-1.1' }).end(next.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  env['AWS_ENDPOINT_URL_SSM'] = `http://127.0.0.1:${address.port}`;
  stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterEach(() => stop());

const read = () => parameters.get('STRIPE_SECRET_KEY');
const answerWith = (secret: string): Answer => ({
  status: 200,
  body: JSON.stringify({ Parameter: { Value: secret } }),
});
const THROTTLED: Answer = { status: 400, body: '{"__type":"ThrottlingException"}' };
const minutes = (count: number) => {
  nowMs += count * 60_000;
};
/** Waits until a refresh in the background has asked SSM so often. */
const askedTimes = (times: number) => expect.poll(() => asked.length).toBe(times);

/** Computes the signature independently: Signature Version 4 as AWS documents it. */
function signatureOf({ headers, body }: Asked, signedHeaders: string, scope: string): string {
  const hash = (data: string) => createHash('sha256').update(data).digest('hex');
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  const names = signedHeaders.split(';');
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${String(headers[name]).trim()}`),
    '',
    signedHeaders,
    hash(body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(canonical)].join('\n');
  const [date = '', region = '', service = '', end = ''] = scope.split('/');
  const key = [region, service, end].reduce(
    (secret, part) => hmac(secret, part),
    hmac(`AWS4${env['AWS_SECRET_ACCESS_KEY']}`, date),
  );
  return hmac(key, toSign).toString('hex');
}

/** The error with everything that a log would show of it. */
async function failure(reading: Promise<unknown>): Promise<string> {
  try {
    await reading;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const told: string[] = [];
    for (let one: unknown = error; one instanceof Error; one = one.cause) told.push(one.stack ?? '');
    return told.join('\n');
  }
  throw new Error('it was read');
}

describe('a secret that SSM keeps', () => {
  it("a secret in SSM is read by name, decrypted, and signed by the function's own role", async () => {
    const parameter = PARAMETER;
    expect(await read()).toBe(SECRET);
    const [one] = asked;
    if (one === undefined) throw new Error('nothing was asked');
    expect(JSON.parse(one.body)).toEqual({ Name: parameter, WithDecryption: true });
    expect(one.headers).toMatchObject({
      'x-amz-target': 'AmazonSSM.GetParameter',
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-security-token': 'ItsOwnToken',
    });
    const date = String(one.headers['x-amz-date']);
    expect(date).toMatch(/^\d{8}T\d{6}Z$/);
    const [, scope = '', signedHeaders = '', signature] =
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
        String(one.headers.authorization),
      ) ?? [];
    expect(scope).toBe(`${date.slice(0, 8)}/eu-west-1/ssm/aws4_request`);
    expect(signedHeaders.split(';')).toEqual(
      expect.arrayContaining(['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']),
    );
    expect(signature).toBe(signatureOf(one, signedHeaders, scope));
  });

  it('a parameter is read once, and again in the background after four minutes', async () => {
    expect(await Promise.all([read(), read(), read()])).toEqual([SECRET, SECRET, SECRET]);
    expect(asked).toHaveLength(1);
    minutes(3.9);
    expect(await read()).toBe(SECRET);
    expect(asked).toHaveLength(1);
    answer = answerWith('sk_test_rolled');
    minutes(0.2);
    expect(await read()).toBe(SECRET);
    await expect.poll(read).toBe('sk_test_rolled');
    expect(asked).toHaveLength(2);
  });

  it('a request waits for the refresh of a parameter that is older than five minutes', async () => {
    await read();
    answer = answerWith('sk_test_rolled');
    minutes(6);
    // The wait in this test is shorter than the call, as it can be on a busy machine.
    await read();
    await expect.poll(read).toBe('sk_test_rolled');
  });

  it('a value stays in use for a day while SSM throttles, and each failed refresh is counted', async () => {
    await read();
    answer = THROTTLED;
    minutes(6);
    expect(await Promise.all([read(), read()])).toEqual([SECRET, SECRET]);
    await expect.poll(() => stale).toEqual([PARAMETER]);
    await askedTimes(2);
    // Not again within ten seconds.
    expect(await read()).toBe(SECRET);
    expect(asked).toHaveLength(2);
    minutes(23 * 60);
    expect(await read()).toBe(SECRET);
    await expect.poll(() => stale).toHaveLength(2);
    minutes(60);
    await expect(read()).rejects.toMatchObject({ code: 'payments_unavailable' });
    answer = VALUE;
    expect(await read()).toBe(SECRET);
  });

  it('a refresh that was interrupted because the function was frozen is not counted, and is repeated', async () => {
    await read();
    answer = null;
    minutes(4.5);
    expect(await read()).toBe(SECRET);
    await askedTimes(2);
    // Lambda freezes the function here; the read fails after the thaw.
    minutes(3);
    await expect.poll(read, { timeout: 10_000 }).toBe(SECRET);
    answer = answerWith('sk_test_rolled');
    await expect.poll(read, { timeout: 10_000 }).toBe('sk_test_rolled');
    expect(stale).toEqual([]);
  });

  it('no request of a running function waits long or fails while SSM does not answer', async () => {
    await read();
    answer = null;
    minutes(6);
    const startedMs = nowMs;
    expect(await Promise.all(Array.from({ length: 20 }, read))).toEqual(Array(20).fill(SECRET));
    expect(nowMs - startedMs).toBeLessThanOrEqual(20 * 300);
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it('a first read is tried three times, and one success is enough', async () => {
    firstAnswers = [THROTTLED, THROTTLED];
    expect(await read()).toBe(SECRET);
    expect(asked).toHaveLength(3);
    expect(stale).toEqual([]);
  });

  it('a first read that SSM throttles is 503 payments_unavailable, and the next request reads again', async () => {
    answer = THROTTLED;
    const error = await read().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BillingError);
    expect(error).toMatchObject({ code: 'payments_unavailable' });
    expect(asked).toHaveLength(3);
    answer = VALUE;
    expect(await read()).toBe(SECRET);
  });

  it('a refused value is read again at once, and at most once a minute', async () => {
    await read();
    const newer = () => parameters.afterRefusal('STRIPE_SECRET_KEY', SECRET);
    expect(await newer()).toBeUndefined();
    answer = answerWith('sk_test_rolled');
    expect(await newer()).toBeUndefined();
    expect(asked).toHaveLength(2);
    minutes(1);
    expect(await newer()).toBe('sk_test_rolled');
    // Without another call: the value in use is already newer than the refused one.
    expect(await newer()).toBe('sk_test_rolled');
    expect(asked).toHaveLength(3);
    expect(await read()).toBe('sk_test_rolled');
  });

  it('a refused value stays in use if SSM cannot be read', async () => {
    await read();
    answer = THROTTLED;
    expect(await parameters.afterRefusal('STRIPE_SECRET_KEY', SECRET)).toBeUndefined();
    expect(await read()).toBe(SECRET);
  });

  it('a secret in SSM is not read if the environment has it, or names none', async () => {
    env['STRIPE_SECRET_KEY'] = 'sk_test_here';
    expect(await read()).toBe('sk_test_here');
    expect(await parameters.afterRefusal('STRIPE_SECRET_KEY', 'sk_test_here')).toBeUndefined();
    delete env['STRIPE_SECRET_KEY'];
    expect(await parameters.get('STRIPE_PRO_PRICE_ID')).toBeUndefined();
    expect(asked).toEqual([]);
  });

  it.each([
    [
      'is not there',
      { status: 400, body: '{"__type":"ParameterNotFound"}' },
      /ssm answered 400 ParameterNotFound/,
    ],
    ['is not ours to read', { status: 400, body: '{"__type":"AccessDeniedException"}' }, /AccessDenied/],
    ['is of another shape', { status: 200, body: `{"Parameter":{"Value":["${SECRET}"]}}` }, /readable/],
    ['is no JSON', { status: 200, body: SECRET }, /SSM answered without a readable value/],
  ] as const)(
    'a secret in SSM that %s: the error names the parameter, and holds no value',
    async (_name, reply, why) => {
      const parameter = PARAMETER;
      answer = reply;
      const told = await failure(read());
      expect(told).toContain(parameter);
      expect(told).toMatch(why);
      // Node's own JSON error quotes the start of its input.
      expect(told).not.toContain(SECRET.slice(0, 8));
      expect(told).not.toContain('ItsOwn');
      // Failures are not cached.
      answer = VALUE;
      expect(await read()).toBe(SECRET);
    },
  );

  it.each([
    ['throttles', THROTTLED],
    ['fails', { status: 500, body: '{"message":"oops"}' }],
    ['answers in HTML', { status: 503, body: '<html>busy</html>' }],
    ['does not answer', null],
  ])('a first read is 503 payments_unavailable when SSM %s', async (_name, reply) => {
    answer = reply;
    await expect(read()).rejects.toMatchObject({ code: 'payments_unavailable' });
  });

  it('a secret in SSM cannot be read without a role: the error names what is missing', async () => {
    const parameter = PARAMETER;
    const { AWS_SECRET_ACCESS_KEY: secret } = env;
    delete env['AWS_SECRET_ACCESS_KEY'];
    const told = await failure(read());
    env['AWS_SECRET_ACCESS_KEY'] = secret;
    expect(told).toContain('AWS_SECRET_ACCESS_KEY');
    expect(told).toContain(parameter);
    expect(asked).toEqual([]);
  });
});
