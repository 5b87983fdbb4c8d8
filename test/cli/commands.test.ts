import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import stringWidth from 'string-width';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod/mini';
import { localDeps } from '../../cli/stage/local-deps.ts';
import { runningStack } from '../../cli/stage/running.ts';
import { readServerlessFile } from '../../cli/stage/serverless-file.ts';
import { entryHash, type LedgerEntry } from '../../lib/domain/ledger.ts';
import { addPaymentMethod } from '../../lib/operations/accounts/add-payment-method.ts';
import { onboardCustomer } from '../../lib/operations/accounts/onboard-customer.ts';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import type { PaymentDeps } from '../../lib/runtime/deps.ts';
import { dueAt } from '../../lib/store/due-work.ts';
import { type EventRecord, readEventRecord, recordEvent } from '../../lib/store/events.ts';
import { encodeDoublePayment } from '../../lib/store/guards.ts';
import { type Key, keys } from '../../lib/store/keys.ts';
import { readTogether, writeTogether } from '../../lib/store/table.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { type Ended, runCommand, startCommand } from '../support/command-line.ts';
import { recordedFix } from '../support/customers.ts';
import { customerWith, range, uniqueEmail } from '../support/fixtures.ts';
import { writeHistory } from '../support/history.ts';
import { headOf } from '../support/money.ts';
import { parkedOf } from '../support/parked-events.ts';
import { type RunningStack, startStack, useTestCredentials } from '../support/running-stack.ts';

/* The operators' command line on a running stack, as somebody new to it would try it. */

const LONG_HISTORY = 50_000;
const NOBODY = '0'.repeat(32);

let stack: RunningStack;
let deps: PaymentDeps;
let stripeUrl: string;
const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-cli-'));

beforeAll(async () => {
  useTestCredentials();
  stack = await startStack();
  const { endpoint, stripe } = runningStack(stack.port);
  deps = localDeps(endpoint, readServerlessFile().tableName, stripe);
  stripeUrl = stripe.apiBase ?? '';
}, 120_000);
afterAll(async () => {
  deps.table.client.destroy();
  await stack.end('SIGTERM');
  rmSync(folder, { recursive: true });
});

const env = () => ({ PORT: String(stack.port) });
const cli = (...args: readonly string[]): Promise<Ended> => runCommand(args, env());

/** What a program reads; every answer is one JSON document. */
async function json(
  ...args: readonly string[]
): Promise<{ code: number | null; answer: Record<string, unknown> }> {
  const { code, stdout } = await cli(...args, '--json');
  return { code, answer: z.record(z.string(), z.unknown()).parse(JSON.parse(stdout)) };
}

/** What a person reads: it fits a narrow terminal, and nothing in it is meant for a terminal alone. */
async function lines(...args: readonly string[]): Promise<{ code: number | null; shown: string[] }> {
  const { code, stdout, stderr } = await cli(...args);
  expect(stderr).not.toContain('error');
  for (const line of `${stdout}${stderr}`.split('\n'))
    expect([line, stringWidth(line) <= 80]).toEqual([line, true]);
  expect(stdout).not.toContain('\u001b');
  return { code, shown: stdout.trimEnd().split('\n') };
}

async function refusal(...args: readonly string[]): Promise<[number | null, unknown]> {
  const { code, answer } = await json(...args);
  return [
    code,
    z.object({ error: z.object({ code: z.string(), detail: z.string() }) }).parse(answer).error.code,
  ];
}

const control = async (path: string, input: object = {}) => {
  const body = JSON.stringify(input);
  const headers = { 'content-type': 'application/json' };
  await fetch(`${stripeUrl}/_double/${path}`, { method: 'POST', headers, body });
};

/** As nothing of ours would. */
const setByHand = (key: Key, attribute: string, value: unknown) =>
  deps.table.client.send(
    new UpdateCommand({
      TableName: deps.table.name,
      Key: { ...key },
      UpdateExpression: 'SET #a = :v',
      ExpressionAttributeNames: { '#a': attribute },
      ExpressionAttributeValues: { ':v': value },
    }),
  );

const forget = ({ pk, sk }: Key) =>
  deps.table.client.send(new DeleteCommand({ TableName: deps.table.name, Key: { pk, sk } }));

/** One that nobody has given back, due since `second` seconds after midnight. */
const doublePayment = (paymentIntentId: string, second: number) => ({
  ...encodeDoublePayment(NOBODY, { fixAttemptId: 'f1', paymentIntentId, amountCents: 2900, refundId: null }),
  ...keys.once(NOBODY, 'double_payment', paymentIntentId),
  ...dueAt('charge', new Date(Date.parse('2026-01-02T00:00:00.000Z') + second * 1_000)),
});

const dashboard = () => {
  const { stripe } = runningStack(stack.port);
  return openSetupStripe(stripe.secretKey, stripe.apiBase);
};

describe('customer', () => {
  it('show tells all about one, by id and by e-mail address, whatever its case', async () => {
    const email = uniqueEmail();
    const { head } = await onboardCustomer(deps, {
      name: '株式会社 \u001b[31mAcme',
      email,
      source: 'direct',
    });
    const { code, shown } = await lines('customer', 'show', head.customerId);
    expect(code).toBe(0);
    expect(shown).toEqual(
      expect.arrayContaining([
        `customer       ${head.customerId}`,
        'name           株式会社 \u{fffd}[31mAcme',
        `e-mail         ${email}`,
        'plan           trial',
        'balance        5 credits, 0 owed',
        'card on file   no',
        'API keys       1 active',
        'ledger         1 entry',
      ]),
    );
    expect((await lines('customer', 'show', email.toUpperCase())).shown).toEqual(shown);

    const { answer } = await json('customer', 'show', email);
    expect(answer).toMatchObject({
      id: head.customerId,
      email,
      plan: 'trial',
      credit_balance: 5,
      has_payment_method: false,
      open_charges: [],
      order: null,
      notices: { total: 1 },
      newest_entries: [{ seq: 1, amount: 5, balance_after: 5, source: 'trial_signup' }],
    });
    expect(JSON.stringify(answer)).not.toContain('rsolv_');
  });

  it('show names who is not there', async () => {
    expect(await refusal('customer', 'show', NOBODY)).toEqual([1, 'customer_not_found']);
    expect(await refusal('customer', 'show', 'nobody@customer.example')).toEqual([1, 'customer_not_found']);
    const { stdout, stderr, code } = await cli('customer', 'show', NOBODY);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(`error There is no customer ${NOBODY} on this stage.\nSearch with: customer list\n`);
  });

  it('list goes on from page to page and names each customer once', async () => {
    const added = [];
    for (let n = 0; n < 3; n++) added.push((await customerWith(deps, 5)).head.customerId);
    const found: unknown[] = [];
    let cursor: string[] = [];
    for (let page = 0; page < 50; page++) {
      const { answer } = await json('customer', 'list', '--limit', '2', ...cursor);
      const { customers, next_cursor } = z
        .object({
          customers: z.array(z.looseObject({ id: z.string() })),
          next_cursor: z.nullable(z.string()),
        })
        .parse(answer);
      expect(customers.length).toBeLessThanOrEqual(2);
      found.push(...customers.map(({ id }) => id));
      if (next_cursor === null) break;
      cursor = ['--cursor', next_cursor];
    }
    expect(new Set(found).size).toBe(found.length);
    expect(found).toEqual(expect.arrayContaining([stack.customerId, ...added]));
  });

  it('list filters by plan and by what is owed, and fits 80 columns with a long address', async () => {
    const email = `${'a'.repeat(60)}@${'b'.repeat(50)}.example`;
    const { head } = await onboardCustomer(deps, { name: 'Long', email, source: 'direct' });
    await setByHand(keys.head(head.customerId), 'debt', 7);
    const { shown } = await lines('customer', 'list', '--owing', '--plan', 'trial');
    expect(shown[1]).toMatch(new RegExp(`^${head.customerId}  trial +5 +7  a+$`));
    const none = { customers: [], next_cursor: null };
    expect((await json('customer', 'list', '--owing', '--plan', 'pro')).answer).toEqual(none);
    await setByHand(keys.head(head.customerId), 'debt', 0);
    expect((await json('customer', 'list', '--owing')).answer).toEqual(none);
  });

  it('close asks first; then the customer is closed, and a repeat changes nothing', async () => {
    const { head, apiKey } = await customerWith(deps, 5);
    const close = ['customer', 'close', head.customerId, '--reason', 'asked to be forgotten'];
    expect(await refusal(...close)).toEqual([2, 'confirmation_needed']);
    expect((await headOf(deps, head.customerId)).closedAt).toBeNull();

    expect(await json(...close, '--yes')).toMatchObject({ code: 0, answer: { already: false, balance: 5 } });
    expect((await headOf(deps, head.customerId)).closedAt).not.toBeNull();
    const usage = await fetch(`${stack.url}/api/v1/usage`, { headers: { 'x-api-key': apiKey } });
    expect(usage.status).toBe(401);
    expect(await json(...close, '--yes')).toMatchObject({ code: 0, answer: { already: true } });
    // What a request of before may have left is taken away a little later.
    expect((await json('charges', 'pending')).answer).toMatchObject({
      charges: [{ kind: 'closing', customer_id: head.customerId }],
    });
    expect((await lines('charges', 'pending')).shown[1]).toMatch(
      new RegExp(`^${head.customerId}  closing  +to be cleared`),
    );
    expect(await json('charges', 'settle', '--now')).toMatchObject({ answer: { settled: 1, failed: [] } });
    expect(await refusal('customer', 'close', NOBODY, '--reason', 'x', '--yes')).toEqual([
      1,
      'customer_not_found',
    ]);
  });
});

describe('adjust', () => {
  it('gives credits once under one key, with reason and name in the ledger', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const adjust = ['adjust', customerId, '25', '--reason', 'goodwill, ticket 812', '--actor', 'ada'];
    const { answer } = await json(...adjust);
    expect(answer).toMatchObject({
      customer_id: customerId,
      amount: 25,
      already: false,
      balance: 30,
      seq: 2,
    });
    const key = String(answer['idempotency_key']);
    expect((await json(...adjust, '--key', key)).answer).toEqual({ ...answer, already: true });
    expect((await lines(...adjust, '--key', key)).shown).toEqual([
      'Was done before: +25 as entry 2, balance 30.',
    ]);
    expect(await refusal('adjust', customerId, '26', '--reason', 'another', '--key', key)).toEqual([
      1,
      'key_reused',
    ]);

    const { answer: ledger } = await json('ledger', 'show', customerId, '--limit', '1');
    expect(ledger).toMatchObject({
      entries: [{ seq: 2, metadata: { reason: 'goodwill, ticket 812', actor: 'ada', idempotency_key: key } }],
    });
  });

  it('says which key it used before it is done, so that a lost answer can be repeated', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const { stdout, stderr } = await cli('adjust', customerId, '1', '--reason', 'x');
    expect(stderr).toMatch(/^idempotency key [0-9a-f-]{36}\n$/);
    expect(stdout).toBe('Done: +1 as entry 2, balance 6.\n');
  });

  it('never takes more than there is', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    expect(await refusal('adjust', customerId, '-6', '--reason', 'x', '--yes')).toEqual([
      1,
      'insufficient_credits',
    ]);
    expect(await json('adjust', customerId, '-5', '--reason', 'x', '--yes')).toMatchObject({
      answer: { balance: 0 },
    });
  });

  it.each(['-1', '1001'])('asks before %s', async (amount) => {
    const { customerId } = (await customerWith(deps, 5)).head;
    expect(await refusal('adjust', customerId, amount, '--reason', 'x')).toEqual([2, 'confirmation_needed']);
    expect((await headOf(deps, customerId)).balance).toBe(5);
  });

  it('names a customer who is not there', async () => {
    expect(await refusal('adjust', NOBODY, '5', '--reason', 'x')).toEqual([1, 'customer_not_found']);
  });
});

const Page = z.object({
  entries: z.array(z.looseObject({ seq: z.int() })),
  next_cursor: z.nullable(z.string()),
});

describe('ledger', () => {
  let long: string;
  beforeAll(async () => {
    long = (await customerWith(deps, 5)).head.customerId;
    await writeHistory(deps, long, LONG_HISTORY - 1);
  }, 300_000);

  it('show goes from the newest entry to the first', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    await writeHistory(deps, customerId, 4);
    const first = Page.parse((await json('ledger', 'show', customerId, '--limit', '3')).answer);
    expect(first.entries.map(({ seq }) => seq)).toEqual([5, 4, 3]);
    const second = ['--limit', '3', '--cursor', String(first.next_cursor)];
    expect(Page.parse((await json('ledger', 'show', customerId, ...second)).answer)).toMatchObject({
      entries: [{ seq: 2 }, { seq: 1 }],
      next_cursor: null,
    });
    expect((await lines('ledger', 'show', long)).shown.length).toBeGreaterThan(20);
    expect(await refusal('ledger', 'show', NOBODY)).toEqual([1, 'customer_not_found']);
  });

  it('verify names each violation, and the exit code says that there is one', async () => {
    const sound = (await customerWith(deps, 5)).head.customerId;
    const { customerId } = (await customerWith(deps, 5)).head;
    await setByHand(keys.head(customerId), 'balance', 6);
    expect(await json('ledger', 'verify', sound)).toEqual({
      code: 0,
      answer: { customers: 1, entries: 1, violations: [] },
    });
    expect(await json('ledger', 'verify', sound, customerId, sound)).toEqual({
      code: 1,
      answer: {
        customers: 2,
        entries: 2,
        violations: [
          {
            customer_id: customerId,
            invariant: 2,
            seq: null,
            message: 'the balance is 6, the entries add up to 5',
          },
        ],
      },
    });
    const { code, shown } = await lines('ledger', 'verify', customerId);
    expect([code, shown[0], shown.at(-2), shown.at(-1)]).toEqual([
      1,
      `customer ${customerId}`,
      'What to do: docs/operate.md, Drift',
      '1 violation in 1 customer, 1 entry.',
    ]);
    // Of all customers it is still this one alone.
    expect((await json('ledger', 'verify')).answer).toMatchObject({
      violations: [{ customer_id: customerId }],
    });
    expect(await refusal('ledger', 'verify', NOBODY)).toEqual([1, 'customer_not_found']);
    await setByHand(keys.head(customerId), 'balance', 5);
    expect(await lines('ledger', 'verify')).toMatchObject({ code: 0 });
  });

  it('verify tells in 80 columns of a head that was set back', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    await writeHistory(deps, customerId, 1);
    await setByHand(keys.head(customerId), 'seq', 1);
    const { code, shown } = await lines('ledger', 'verify', '--no-stripe', customerId);
    expect([code, shown.join(' ')]).toEqual([1, expect.stringContaining('(invariant 3)')]);
    await setByHand(keys.head(customerId), 'seq', 2);
  });

  it('verify goes on where something stored cannot be read, and names it', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const entry = keys.entry(customerId, 1);
    await setByHand(entry, 'amount', 'five');
    const { code, answer } = await json('ledger', 'verify', customerId, stack.customerId);
    expect([code, answer['customers']]).toEqual([1, 2]);
    expect(answer['violations']).toEqual([
      {
        customer_id: customerId,
        invariant: null,
        seq: null,
        message: `The stored item CUSTOMER#${customerId} ${entry.sk} is not readable: amount`,
      },
    ]);
    await setByHand(entry, 'amount', 5);
  });

  it('verify names a ledger whose head is gone, among all and by its id', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const [stored] = await readTogether(deps.table, [keys.head(customerId)]);
    await deps.table.client.send(
      new DeleteCommand({ TableName: deps.table.name, Key: { ...keys.head(customerId) } }),
    );
    const violations = [
      {
        customer_id: customerId,
        invariant: 2,
        seq: null,
        message: 'the head is missing, though there is more of the customer',
      },
    ];
    expect(await json('ledger', 'verify')).toMatchObject({ code: 1, answer: { violations } });
    expect(await json('ledger', 'verify', customerId)).toEqual({
      code: 1,
      answer: { customers: 1, entries: 0, violations },
    });
    await deps.table.client.send(new PutCommand({ TableName: deps.table.name, Item: stored }));
    expect((await json('ledger', 'verify', customerId)).code).toBe(0);
  });

  const Exported = z.object({
    customer_id: z.string(),
    seq: z.int(),
    created_at: z.string(),
    amount: z.int(),
    balance_after: z.int(),
    source: z.enum(['trial_signup', 'adjustment']),
    metadata: z.record(z.string(), z.union([z.string(), z.number()])),
    prev_hash: z.string(),
    hash: z.string(),
  });
  const hashOf = (entry: z.output<typeof Exported>): string => {
    const { customer_id: customerId, created_at: createdAt, balance_after: balanceAfter, ...rest } = entry;
    const said: Omit<LedgerEntry, 'hash'> = {
      ...rest,
      prevHash: rest.prev_hash,
      customerId,
      createdAt,
      balanceAfter,
    };
    return entryHash(said);
  };

  it('export writes every entry of 50,000, in order, as it can be verified, and holds little of it at a time', async () => {
    const file = join(folder, 'long.jsonl');
    const { code, stdout, stderr } = await runCommand(
      ['ledger', 'export', long, '--format', 'jsonl', '--output', file],
      // Of which the program itself takes more than half: with all entries in it there would not be room.
      { ...env(), NODE_OPTIONS: '--max-old-space-size=42' },
    );
    expect([code, stdout]).toEqual([0, `50,000 entries of 1 customer written to ${file}.\n`]);
    expect(stderr).not.toContain('\u001b');
    const entries = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Exported.parse(JSON.parse(line)));
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: LONG_HISTORY }, (_, i) => i + 1));
    for (const entry of entries) expect(entry.hash).toBe(hashOf(entry));
    expect(existsSync(`${file}.part`)).toBe(false);
  });

  it('export to stdout is a CSV with a heading, whose metadata is quoted JSON', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    await cli('adjust', customerId, '1', '--reason', 'say "hi", twice', '--key', 'k');
    const { code, stdout, stderr } = await cli('ledger', 'export', customerId);
    expect([code, stderr]).toEqual([0, '2 entries of 1 customer written.\n']);
    const [heading, , adjusted, end, ...more] = stdout.split('\n');
    expect(heading).toBe('customer_id,seq,created_at,amount,balance_after,source,metadata,prev_hash,hash');
    const quoted = /^[0-9a-f]{32},2,[^,]+,1,6,adjustment,"(.*)",[0-9a-f]{64},[0-9a-f]{64}$/.exec(
      adjusted ?? '',
    )?.[1];
    expect(JSON.parse(quoted?.replaceAll('""', '"') ?? '')).toMatchObject({ reason: 'say "hi", twice' });
    expect([end, more]).toEqual(['', []]);
  });

  it('export of all customers has those of each together', async () => {
    const file = join(folder, 'all.csv');
    const { answer } = await json('ledger', 'export', '--output', file);
    const ids = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.slice(0, 32));
    expect(answer).toMatchObject({ file, entries: ids.length });
    const blocks = ids.filter((id, i) => id !== ids[i - 1]);
    expect(new Set(blocks).size).toBe(blocks.length);
    expect(answer['customers']).toBe(blocks.length);
  });

  it('export replaces no file, unless that is said', async () => {
    const file = join(folder, 'there.csv');
    writeFileSync(file, 'mine');
    const order = ['ledger', 'export', stack.customerId, '--output', file];
    expect(await refusal(...order)).toEqual([2, 'usage']);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await json(...order, '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain('mine');
  });

  it('export says what cannot be', async () => {
    expect(await refusal('ledger', 'export', stack.customerId)).toEqual([2, 'usage']);
    expect(await refusal('ledger', 'export', NOBODY, '--output', join(folder, 'no.csv'))).toEqual([
      1,
      'customer_not_found',
    ]);
    expect(existsSync(join(folder, 'no.csv.part'))).toBe(false);
    const nowhere = join(folder, 'no-folder', 'x.csv');
    expect(await refusal('ledger', 'export', stack.customerId, '--output', nowhere)).toEqual([
      1,
      'output_failed',
    ]);
    expect(await refusal('ledger', 'export', stack.customerId, '--output', '')).toEqual([2, 'usage']);
  });

  it('export replaces nothing that is no file, and leaves nothing beside it', async () => {
    for (const output of [folder, '/dev/null']) {
      expect(await refusal('ledger', 'export', stack.customerId, '--output', output, '--force')).toEqual([
        2,
        'usage',
      ]);
      expect([statSync(output).isFile(), existsSync(`${output}.part`)]).toEqual([false, false]);
    }
  });

  it.runIf(existsSync('/dev/full')).each([
    ['ledger', 'export'],
    ['customer', 'list'],
    ['doctor', '--json'],
  ])('%s %s says in one line that its answer could not be written', async (...args) => {
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const { code, stderr } = await runCommand(args, env(), full);
    const [last] = stderr.trimEnd().split('\n').slice(-1);
    expect([code, last]).toEqual([1, expect.stringMatching(/^error stdout cannot be written: ENOSPC/)]);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  const wholeLines = (written: string): number[] => {
    expect(written.endsWith('\n')).toBe(true);
    return written
      .trimEnd()
      .split('\n')
      .map((line) => Exported.parse(JSON.parse(line)).seq);
  };

  it('export interrupted by Ctrl-C leaves whole lines in FILE.part, no file, and says so', async () => {
    const file = join(folder, 'cut.jsonl');
    const part = `${file}.part`;
    const { process: child, ended } = startCommand(
      ['ledger', 'export', long, '--format', 'jsonl', '--output', file],
      env(),
    );
    await vi.waitUntil(() => existsSync(part) && statSync(part).size > 0, { timeout: 30_000, interval: 5 });
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    expect([code, stdout]).toEqual([130, '']);
    const seqs = wholeLines(readFileSync(part, 'utf8'));
    expect(seqs.length).toBeLessThan(LONG_HISTORY);
    expect(stderr.replaceAll('\n', ' ')).toContain(
      `Interrupted. ${part} is incomplete: ${seqs.length.toLocaleString('en-US')} entries written, not all.`,
    );
    expect(existsSync(file)).toBe(false);
  });

  it('export interrupted on its way to a program ends with a whole line', async () => {
    const { process: child, ended } = startCommand(['ledger', 'export', long, '--format', 'jsonl'], env());
    child.stdout?.once('data', () => child.kill('SIGINT'));
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(130);
    expect(wholeLines(stdout).length).toBeLessThan(LONG_HISTORY);
    expect(stderr).toContain('The output is incomplete');
  });

  it('export to a reader that has seen enough is quiet', async () => {
    const { process: child, ended } = startCommand(['ledger', 'export', long], env());
    child.stdout?.once('data', () => child.stdout?.destroy());
    // The reader's own end is nothing that this side hears of in another way.
    const { code, stderr } = await ended.catch(() => ({ code: child.exitCode, stderr: '' }));
    expect([code ?? 0, stderr]).toEqual([0, '']);
  });
});

describe('events', () => {
  /** One that the stack applied and knows nothing of any more. */
  async function lostEvent() {
    const { head } = await customerWith(deps, 5);
    const { head: withCard } = await addPaymentMethod(deps, head, 'pm_card_visa');
    await dashboard().paymentMethods.detach(withCard.paymentMethodId ?? '');
    await control('webhooks/idle');
    const { data } = await dashboard().events.list({ type: 'payment_method.detached' });
    const id = data[0]?.id ?? '';
    const record = await readEventRecord(deps.table, id);
    if (record === null) throw new Error(`the stack did not hear of ${id}`);
    await forget(keys.event(id));
    return { id, record };
  }

  it('a parked event is listed, shown and replayed; then it is applied, once', async () => {
    const { id, record } = await lostEvent();
    await writeTogether(deps.table, [recordEvent({ ...record, outcome: 'parked', reason: 'for a test' })]);

    expect((await json('events', 'list')).answer).toMatchObject({ events: [{ id, reason: 'for a test' }] });
    expect((await lines('events', 'list')).shown.join('\n')).toContain(id);
    expect((await json('events', 'show', id)).answer).toMatchObject({ id, outcome: 'parked' });
    expect(await refusal('events', 'replay', '--parked')).toEqual([2, 'confirmation_needed']);
    expect(await json('events', 'replay', '--parked', '--yes')).toEqual({
      code: 0,
      answer: { events: [{ id, outcome: 'processed', reason: 'applied' }], unreadable: [] },
    });
    expect(await parkedOf(deps.table, deps.now())).toEqual([]);
    const { code, shown } = await lines('events', 'replay', id);
    expect([code, shown[1]]).toEqual([0, `${id}  duplicate  applied`]);
    expect((await lines('events', 'list')).shown).toEqual(['No event is parked.']);
    expect((await lines('events', 'show', id)).shown).toContain('outcome      processed');
  });

  it('one that stays parked, or that Stripe does not have, is said, with exit code 1', async () => {
    const stranger = await dashboard().customers.create({ email: uniqueEmail() });
    await dashboard().customers.del(stranger.id);
    await control('webhooks/idle');
    const event = await vi.waitUntil(async () => (await parkedOf(deps.table, deps.now()))[0], {
      timeout: 10_000,
    });
    const { code, answer } = await json('events', 'replay', 'evt_nowhere', event.eventId);
    expect(code).toBe(1);
    expect(answer).toMatchObject({
      events: [
        { id: 'evt_nowhere', outcome: 'failed', reason: expect.stringContaining('Stripe has no event') },
        { id: event.eventId, outcome: 'parked', reason: expect.stringContaining('no customer is known') },
      ],
    });
    expect(await refusal('events', 'show', 'evt_nowhere')).toEqual([1, 'event_not_found']);
    await forget(keys.event(event.eventId));
  });

  it('one that cannot be read is named by its key, and keeps nobody from the others', async () => {
    const parked: EventRecord = {
      ...{ eventId: 'evt_sound', type: 'invoice.paid', outcome: 'parked', reason: 'for a test' },
      ...{ customerId: null, objectId: null, createdAt: '2026-01-02', receivedAt: '2026-01-02' },
    };
    for (const eventId of ['evt_odd', 'evt_sound'])
      await writeTogether(deps.table, [recordEvent({ ...parked, eventId })]);
    await setByHand(keys.event('evt_odd'), 'outcome', 'secret');
    const unreadable = [{ ...keys.event('evt_odd'), attributes: ['outcome'] }];
    const listed = await json('events', 'list');
    expect(listed).toMatchObject({ code: 0, answer: { events: [{ id: 'evt_sound' }], unreadable } });
    const { shown } = await lines('events', 'list');
    expect(shown.slice(-5)).toEqual([
      ...['EVENT#evt_odd', '  EVENT', '  not readable: outcome'],
      ...['1 event parked.', '1 event not readable.'],
    ]);
    const replayed = await json('events', 'replay', '--parked', '--yes');
    expect(replayed).toMatchObject({
      code: 1,
      answer: { events: [{ id: 'evt_sound', outcome: 'failed' }], unreadable },
    });
    expect(JSON.stringify([listed, shown, replayed])).not.toContain('secret');
    for (const id of ['evt_odd', 'evt_sound']) await forget(keys.event(id));
  });

  it('a new one behind more than 100 that stay parked is listed and applied, each is replayed once, and they are counted', async () => {
    const { id, record } = await lostEvent();
    const old = range(1, 120).map((n) => `evt_old${n}`);
    const receivedAt = new Date(Date.now() - 86_400_000).toISOString();
    const parked = { ...record, outcome: 'parked', reason: 'for a test' } as const;
    for (const eventId of old)
      await writeTogether(deps.table, [recordEvent({ ...parked, eventId, receivedAt })]);
    await writeTogether(deps.table, [recordEvent(parked)]);

    const Events = z.array(z.object({ id: z.string() }));
    const idsIn = ({ events }: Record<string, unknown>) => Events.parse(events).map((event) => event.id);
    const listed = await json('events', 'list');
    expect(idsIn(listed.answer).toSorted()).toEqual([...old, id].toSorted());
    expect((await lines('events', 'list')).shown.at(-1)).toBe('121 events parked.');
    const { code, answer } = await json('events', 'replay', '--parked', '--yes');
    expect([code, idsIn(answer).toSorted()]).toEqual([1, [...old, id].toSorted()]);
    expect(answer['events']).toContainEqual({ id, outcome: 'processed', reason: 'applied' });
    expect((await lines('events', 'replay', '--parked', '--yes')).shown.slice(-1)).toEqual([
      '120 events not replayed.',
    ]);
    expect((await lines('events', 'replay', id)).shown.at(-1)).toBe('1 event done with.');
    for (const eventId of old) await forget(keys.event(eventId));
  });
});

describe('charges', () => {
  it('what Stripe left open is listed and settled; what stays open is exit code 1', async () => {
    expect((await lines('charges', 'pending')).shown).toEqual(['Nothing is open.']);
    const { head } = await customerWith(deps, 5);
    await addPaymentMethod(deps, head, 'pm_card_mastercard');
    const { balance } = await headOf(deps, head.customerId);
    await cli('adjust', head.customerId, String(-balance), '--reason', 'x', '--yes');
    const fixId = await recordedFix(deps, head.customerId, 4711);
    const silence = { path: '/v1/payment_intents**', kind: 'drop_before', times: 50 };
    await control('faults', silence);
    await expect(billFixAttempt(deps, head.customerId, fixId)).rejects.toThrow();

    expect((await json('charges', 'pending')).answer).toMatchObject({
      charges: [
        {
          kind: 'fix',
          customer_id: head.customerId,
          id: fixId,
          state: 'charging',
          amount_cents: 2900,
          attempt: 1,
        },
      ],
    });
    expect((await lines('charges', 'pending')).shown[1]).toMatch(
      new RegExp(`^${head.customerId}  fix ${fixId.slice(0, 12)}…  charging  \\$29.00  +0 min$`),
    );
    expect((await lines('customer', 'show', head.customerId)).shown).toContain(
      'open charge    acme/webshop#4711, $29.00, charging',
    );
    // Younger than two minutes: still in the hands of the request.
    expect((await json('charges', 'settle')).answer).toEqual({ settled: 0, failed: [] });
    expect(await json('charges', 'settle', '--now')).toEqual({
      code: 1,
      answer: { settled: 0, failed: [{ kind: 'fix', customer_id: head.customerId, id: fixId }] },
    });
    await control('faults/clear');
    expect(await lines('charges', 'settle', '--older-than', '0')).toEqual({
      code: 0,
      shown: ['1 piece of work settled, 0 still open.'],
    });
    expect((await json('charges', 'pending')).answer).toEqual({ charges: [], unreadable: [] });
    expect((await json('ledger', 'verify', head.customerId)).code).toBe(0);
  });

  it('one that cannot be read is named by its key, and keeps nobody from the others', async () => {
    const { head } = await customerWith(deps, 5);
    const id = head.customerId;
    const nonsense = { ...doublePayment('pi_odd', 1), amount_cents: 'secret' };
    const newer = { ...doublePayment('pi_newer', 2), sk: 'NEWER#1', says: 'secret' };
    const fix = { ...keys.fix(id, 'odd'), id: 'odd', charge: { state: 'secret' } };
    const items = [nonsense, newer, doublePayment('pi_sound', 3), fix];
    for (const Item of items)
      await deps.table.client.send(new PutCommand({ TableName: deps.table.name, Item }));
    const { pk, sk } = nonsense;
    const { code, answer } = await json('charges', 'pending');
    expect([code, answer]).toMatchObject([
      0,
      {
        charges: [{ id: 'pi_sound' }],
        unreadable: [
          { pk, sk, attributes: ['amount_cents'] },
          { pk, sk: 'NEWER#1', attributes: ['sk'] },
        ],
      },
    ]);
    const pending = (await lines('charges', 'pending')).shown;
    expect(pending).toEqual(expect.arrayContaining([pk, `  ${sk}`, '  not readable: amount_cents']));
    expect(pending.slice(-2)).toEqual(['1 piece of work open.', '2 pieces of work not readable.']);
    const shown = await lines('customer', 'show', id);
    expect([shown.code, shown.shown]).toEqual([0, expect.arrayContaining(['not readable   FIX#odd'])]);
    const customer = await json('customer', 'show', id);
    expect(customer.answer['unreadable_charges']).toMatchObject([keys.fix(id, 'odd')]);
    expect(JSON.stringify([answer, pending, shown, customer])).not.toContain('secret');
    for (const item of items) await forget(item);
  });

  it('what is open is listed however much is older, and counted', async () => {
    const open = range(1, 250).map((n) => doublePayment(`pi_${n}`, n));
    for (const Item of open)
      await deps.table.client.send(new PutCommand({ TableName: deps.table.name, Item }));
    const Charges = z.array(z.object({ id: z.string() }));
    const { answer } = await json('charges', 'pending');
    expect(Charges.parse(answer['charges']).map(({ id }) => id)).toEqual(range(1, 250).map((n) => `pi_${n}`));
    expect((await lines('charges', 'pending')).shown.at(-1)).toBe('250 pieces of work open.');
    for (const { pk, sk } of open) await forget({ pk, sk });
  });
});

const IssuedKey = z.object({ key_id: z.string(), api_key: z.string() });

describe('keys', () => {
  it('one is issued and shown once, works, is listed by its id alone, and is revoked by its beginning', async () => {
    const { head } = await customerWith(deps, 5);
    const id = head.customerId;
    const issued = IssuedKey.parse((await json('keys', 'issue', id, '--reason', 'sign-up lost')).answer);
    const usage = () =>
      fetch(`${stack.url}/api/v1/usage`, { headers: { 'x-api-key': issued.api_key } }).then(
        ({ status }) => status,
      );
    expect(await usage()).toBe(200);

    const { answer } = await json('keys', 'list', id);
    expect(answer['keys']).toHaveLength(2);
    expect(answer['keys']).toContainEqual(expect.objectContaining({ id: issued.key_id, revoked_at: null }));
    expect(JSON.stringify(answer)).not.toContain('rsolv_');
    const { shown } = await lines('keys', 'list', id);
    expect(shown.filter((line) => line.includes('active'))).toHaveLength(2);

    const revoke = ['keys', 'revoke', id, issued.key_id.slice(0, 8), '--reason', 'leaked'];
    expect(await refusal(...revoke)).toEqual([2, 'confirmation_needed']);
    expect(await usage()).toBe(200);
    expect(await json(...revoke, '--yes')).toMatchObject({ code: 0, answer: { key_id: issued.key_id } });
    expect(await usage()).toBe(401);
    expect((await json(...revoke, '--yes')).code).toBe(0);
    expect(await refusal('keys', 'revoke', id, '00000000', '--reason', 'x', '--yes')).toEqual([
      1,
      'api_key_not_found',
    ]);
  });

  it('there are none for nobody', async () => {
    expect(await refusal('keys', 'list', NOBODY)).toEqual([1, 'customer_not_found']);
    expect(await refusal('keys', 'issue', NOBODY, '--reason', 'x')).toEqual([1, 'customer_not_found']);
    expect(await refusal('keys', 'revoke', NOBODY, 'abcdef01', '--reason', 'x', '--yes')).toEqual([
      1,
      'customer_not_found',
    ]);
  });
});

describe('a stack that was killed', () => {
  it('is told in one line, with exit code 3', async () => {
    const other = await startStack();
    await other.end('SIGKILL');
    const { code, stdout, stderr } = await runCommand(['customer', 'list'], { PORT: String(other.port) });
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr.replaceAll('\n', ' ')).toBe(
      `error The stack on port ${other.port} does not answer any more. Start it again: npm start `,
    );
    const adjust = ['adjust', randomBytes(16).toString('hex'), '5', '--reason', 'x', '--json'];
    expect((await runCommand(adjust, { PORT: String(other.port) })).code).toBe(3);
  });
});
