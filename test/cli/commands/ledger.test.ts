import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { entryHash, type LedgerEntry } from '../../../lib/domain/ledger.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { openService } from '../../support/cli/service.ts';
import { documents, middlewareOf } from '../../support/documents.ts';
import { customerWith } from '../../support/fixtures.ts';
import { writeHistory } from '../../support/history.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, json, lines, refusal, run, runIn, setByHand, table } = service;

const UNKNOWN_CUSTOMER = '0'.repeat(32);
/** Five and a half pages of an export. */
const LONG_HISTORY = 2_750;
const PAGE = 500;
const folder = mkdtempSync(join(tmpdir(), 'rsolv-billing-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const acme = (await customerWith(deps, 5)).head.customerId;

const Page = z.object({
  entries: z.array(z.looseObject({ seq: z.int() })),
  next_cursor: z.nullable(z.string()),
});

describe('ledger', () => {
  let long: string;
  let pages = 0;
  let atPage = (_nth: number) => {};
  beforeAll(async () => {
    long = (await customerWith(deps, 5)).head.customerId;
    await writeHistory(deps, long, LONG_HISTORY - 1);
    middlewareOf(table).add(
      (next, context) => (args) => {
        if (context.commandName === 'QueryCommand') {
          pages += 1;
          atPage(pages);
        }
        return next(args);
      },
      { step: 'initialize', priority: 'high', name: 'pages' },
    );
  });
  beforeEach(() => {
    pages = 0;
    atPage = () => {};
  });
  /** Interrupts while page `nth` is read. */
  const interruptAtPage = (nth: number, interrupt: AbortController) => {
    atPage = (page) => {
      if (page === nth) interrupt.abort();
    };
  };

  it('ledger show pages from the newest entry to the first', async () => {
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
    expect(await refusal('ledger', 'show', UNKNOWN_CUSTOMER)).toEqual([1, 'customer_not_found']);
  });

  it('ledger verify prints each violation and exits with 1', async () => {
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
    // Among all customers, only this one has a violation.
    expect((await json('ledger', 'verify')).answer).toMatchObject({
      violations: [{ customer_id: customerId }],
    });
    expect(await refusal('ledger', 'verify', UNKNOWN_CUSTOMER)).toEqual([1, 'customer_not_found']);
    await setByHand(keys.head(customerId), 'balance', 5);
    expect(await lines('ledger', 'verify')).toMatchObject({ code: 0 });
  });

  it('ledger verify reports a head with a too low seq, in 80 columns', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    await writeHistory(deps, customerId, 1);
    await setByHand(keys.head(customerId), 'seq', 1);
    const verify = ['ledger', 'verify', '--no-stripe', customerId];
    const { code, stdout } = await runIn({ columns: 80 }, ...verify);
    const shown = stdout.split('\n');
    expect([code, shown.join(' ')]).toEqual([1, expect.stringContaining('(invariant 3)')]);
    for (const line of shown) expect([line, line.length <= 80]).toEqual([line, true]);
    await setByHand(keys.head(customerId), 'seq', 2);
  });

  it('ledger verify names an unreadable item and checks the other customers', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const entry = keys.entry(customerId, 1);
    await setByHand(entry, 'amount', 'five');
    const { code, answer } = await json('ledger', 'verify', customerId, acme);
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

  it('ledger verify reports a missing head, with and without customer ids', async () => {
    const { head } = await customerWith(deps, 5);
    const { customerId } = head;
    const [stored] = await readTogether(deps.table, [keys.head(customerId)]);
    await documents(table).send(
      new DeleteCommand({ TableName: table.name, Key: { ...keys.head(customerId) } }),
    );
    const violations = [
      {
        customer_id: customerId,
        invariant: 2,
        seq: null,
        message: 'the head is missing, but other items of the customer exist',
      },
    ];
    expect(await json('ledger', 'verify')).toMatchObject({ code: 1, answer: { violations } });
    expect(await json('ledger', 'verify', customerId)).toEqual({
      code: 1,
      answer: { customers: 1, entries: 0, violations },
    });
    await documents(table).send(new PutCommand({ TableName: table.name, Item: stored }));
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
    const unhashed: Omit<LedgerEntry, 'hash'> = {
      ...rest,
      prevHash: rest.prev_hash,
      customerId,
      createdAt,
      balanceAfter,
    };
    return entryHash(unhashed);
  };

  it('ledger export writes every entry of a long history in order, with verifiable hashes', async () => {
    const file = join(folder, 'long.jsonl');
    const { code, stdout, stderr } = await run(
      ...['ledger', 'export', long, '--format', 'jsonl', '--output', file],
    );
    expect([code, stdout]).toEqual([0, `stage local\n2,750 entries of 1 customer written to ${file}.\n`]);
    expect(stderr).not.toContain('\u001b');
    const entries = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Exported.parse(JSON.parse(line)));
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: LONG_HISTORY }, (_, i) => i + 1));
    for (const entry of entries) expect(entry.hash).toBe(hashOf(entry));
    expect(existsSync(`${file}.part`)).toBe(false);
  });

  it('ledger export reads only slightly ahead of a slow output', async () => {
    let written = 0;
    let mostAhead = 0;
    const stdout = new Writable({
      write: (chunk, _, done) => {
        if (String(chunk).split('\n').length > PAGE) written += 1;
        mostAhead = Math.max(mostAhead, pages - written);
        setImmediate(done);
      },
    });
    await runIn({ stdout }, 'ledger', 'export', long, '--format', 'jsonl');
    expect(written).toBe(Math.floor(LONG_HISTORY / PAGE));
    expect(mostAhead).toBeLessThanOrEqual(3);
  });

  it('ledger export writes CSV with a header line and quoted JSON metadata to stdout', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    await run('adjust', customerId, '1', '--reason', 'say "hi", twice', '--key', 'k');
    const { code, stdout, stderr } = await run('ledger', 'export', customerId);
    expect([code, stderr]).toEqual([0, 'stage local: 2 entries of 1 customer written.\n']);
    const [heading, , adjusted, end, ...more] = stdout.split('\n');
    expect(heading).toBe('customer_id,seq,created_at,amount,balance_after,source,metadata,prev_hash,hash');
    const quoted = /^[0-9a-f]{32},2,[^,]+,1,6,adjustment,"(.*)",[0-9a-f]{64},[0-9a-f]{64}$/.exec(
      adjusted ?? '',
    )?.[1];
    expect(JSON.parse(quoted?.replaceAll('""', '"') ?? '')).toMatchObject({ reason: 'say "hi", twice' });
    expect([end, more]).toEqual(['', []]);
  });

  it('ledger export of all customers keeps the entries of each customer together', async () => {
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

  it('ledger export replaces an existing file only with --force', async () => {
    const file = join(folder, 'existing.csv');
    writeFileSync(file, 'mine');
    const command = ['ledger', 'export', acme, '--output', file];
    expect(await refusal(...command)).toEqual([2, 'usage']);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await json(...command, '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain('mine');
  });

  it('ledger export refuses invalid options, unknown customers and unwritable files', async () => {
    expect(await refusal('ledger', 'export', acme)).toEqual([2, 'usage']);
    expect(await refusal('ledger', 'export', UNKNOWN_CUSTOMER, '--output', join(folder, 'no.csv'))).toEqual([
      1,
      'customer_not_found',
    ]);
    expect(existsSync(join(folder, 'no.csv.part'))).toBe(false);
    const nowhere = join(folder, 'no-folder', 'x.csv');
    expect(await refusal('ledger', 'export', acme, '--output', nowhere)).toEqual([1, 'output_failed']);
    expect(await refusal('ledger', 'export', acme, '--output', '')).toEqual([2, 'usage']);
  });

  it('ledger export never replaces a folder or a device, and leaves no .part file', async () => {
    for (const output of [folder, '/dev/null']) {
      expect(await refusal('ledger', 'export', acme, '--output', output, '--force')).toEqual([2, 'usage']);
      expect([statSync(output).isFile(), existsSync(`${output}.part`)]).toEqual([false, false]);
    }
  });

  it('ledger export reports a failed write to stdout in one line', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(full) });
    const { code, stderr } = await runIn({ stdout }, 'ledger', 'export', acme);
    const [last] = stderr.trimEnd().split('\n').slice(-1);
    expect([code, last]).toEqual([
      1,
      expect.stringMatching(/^error \(local\) stdout cannot be written: ENOSPC/),
    ]);
    expect(stderr).not.toMatch(/^ +at /m);
  });

  const wholeLines = (written: string): number[] => {
    expect(written.endsWith('\n')).toBe(true);
    return written
      .trimEnd()
      .split('\n')
      .map((line) => Exported.parse(JSON.parse(line)).seq);
  };

  it('ledger export interrupted by Ctrl-C leaves whole lines in FILE.part and no FILE', async () => {
    const file = join(folder, 'cut.jsonl');
    const part = `${file}.part`;
    const interrupt = new AbortController();
    interruptAtPage(3, interrupt);
    const { code, stdout, stderr } = await runIn(
      { interrupt },
      ...['ledger', 'export', long, '--format', 'jsonl', '--output', file],
    );
    expect([code, stdout]).toEqual([130, '']);
    const seqs = wholeLines(readFileSync(part, 'utf8'));
    expect(seqs.length).toBeLessThan(LONG_HISTORY);
    expect(stderr).toContain(
      `Interrupted. ${part} is incomplete: only ${seqs.length.toLocaleString('en-US')} entries written.`,
    );
    expect(existsSync(file)).toBe(false);
  });

  it('ledger export to stdout ends with a whole line after an interrupt', async () => {
    const interrupt = new AbortController();
    interruptAtPage(3, interrupt);
    const { code, stdout, stderr } = await runIn(
      { interrupt },
      'ledger',
      'export',
      long,
      '--format',
      'jsonl',
    );
    expect(code).toBe(130);
    expect(wholeLines(stdout).length).toBeLessThan(LONG_HISTORY);
    expect(stderr).toContain('The output is incomplete');
  });

  it('ledger export ends silently if the reader closes the pipe', async () => {
    const closed = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(closed) });
    expect(await runIn({ stdout }, 'ledger', 'export', long)).toMatchObject({ code: 0, stderr: '' });
  });
});
