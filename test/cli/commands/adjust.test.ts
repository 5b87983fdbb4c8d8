import { afterAll, describe, expect, it, vi } from 'vitest';
import { openService } from '../../support/cli/service.ts';
import { customerWith } from '../../support/fixtures.ts';
import { headOf } from '../../support/money.ts';

vi.mock('../../../lib/runtime/start.ts', () => import('../../support/cli/runtime.ts'));

const service = await openService();
afterAll(() => service.stop());
const { deps, json, lines, refusal, run } = service;

const UNKNOWN_CUSTOMER = '0'.repeat(32);

describe('adjust', () => {
  it('adjust gives credits once per key and stores the reason and the actor in the ledger', async () => {
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
      'Already done: +25 as entry 2, balance 30.',
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

  it('adjust prints its key before the call, so that it can be repeated after a lost answer', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    const { stdout, stderr } = await run('adjust', customerId, '1', '--reason', 'x');
    expect(stderr).toMatch(/^idempotency key [0-9a-f-]{36}\n$/);
    expect(stdout).toBe('stage local\nDone: +1 as entry 2, balance 6.\n');
  });

  it('adjust refuses to take more credits than the balance', async () => {
    const { customerId } = (await customerWith(deps, 5)).head;
    expect(await refusal('adjust', customerId, '-6', '--reason', 'x', '--yes')).toEqual([
      1,
      'insufficient_credits',
    ]);
    expect(await json('adjust', customerId, '-5', '--reason', 'x', '--yes')).toMatchObject({
      answer: { balance: 0 },
    });
  });

  it.each(['-1', '1001'])('adjust asks for confirmation before an amount of %s', async (amount) => {
    const { customerId } = (await customerWith(deps, 5)).head;
    expect(await refusal('adjust', customerId, amount, '--reason', 'x')).toEqual([2, 'confirmation_needed']);
    expect((await headOf(deps, customerId)).balance).toBe(5);
  });

  it('adjust reports an unknown customer', async () => {
    expect(await refusal('adjust', UNKNOWN_CUSTOMER, '5', '--reason', 'x')).toEqual([
      1,
      'customer_not_found',
    ]);
  });

  describe('with the same amount and reason as an entry of the last minute', () => {
    const adjust = (customerId: string, ...more: string[]) => [
      ...['adjust', customerId, '7', '--reason', 'goodwill, ticket 9', ...more],
    ];
    const adjusted = async () => {
      const { customerId } = (await customerWith(deps, 5)).head;
      expect((await json(...adjust(customerId, '--actor', 'ada', '--key', 'k1'))).code).toBe(0);
      service.elapse(20_000);
      return customerId;
    };
    const balance = async (customerId: string) => (await headOf(deps, customerId)).balance;

    it('adjust refuses a duplicate without a terminal and shows the earlier entry', async () => {
      const customerId = await adjusted();
      const { code, stdout } = await run(...adjust(customerId), '--json');
      expect([code, JSON.parse(stdout)]).toMatchObject([
        2,
        {
          error: {
            code: 'confirmation_needed',
            detail: expect.stringContaining('Entry 2 is the same adjustment, 20 s'),
          },
        },
      ]);
      expect(stdout).toContain('by ada');
      expect(stdout).toContain('key k1');
      expect(await balance(customerId)).toBe(12);
    });

    it.each([
      ['y', 0, 19],
      ['n', 1, 12],
    ])(
      'adjust asks before a duplicate at a terminal, and the answer %s decides',
      async (answer, code, after) => {
        const customerId = await adjusted();
        const asked = await service.runIn({ columns: 80, typed: `${answer}\n` }, ...adjust(customerId));
        expect(asked.stderr).toContain('Entry 2 is the same adjustment');
        expect([asked.code, await balance(customerId)]).toEqual([code, after]);
      },
    );

    it.each([['--yes'], ['--key=k2']])(
      'adjust makes a duplicate without asking if %s is given',
      async (more) => {
        const customerId = await adjusted();
        expect((await json(...adjust(customerId, more))).code).toBe(0);
        expect(await balance(customerId)).toBe(19);
      },
    );

    it('adjust finds a duplicate whose reason contains a redacted API key', async () => {
      const { head, apiKey } = await customerWith(deps, 5);
      const leaked = ['adjust', head.customerId, '7', '--reason', `their key is ${apiKey}`];
      expect((await json(...leaked)).code).toBe(0);
      expect(await refusal(...leaked)).toEqual([2, 'confirmation_needed']);
    });

    it.each([
      ['another amount', ['8', '--reason', 'goodwill, ticket 9'], 0],
      ['another reason', ['7', '--reason', 'goodwill, ticket 10'], 0],
      ['the same adjustment after a minute', ['7', '--reason', 'goodwill, ticket 9'], 40_000],
    ])('%s is not a duplicate', async (_, args, laterMs) => {
      const customerId = await adjusted();
      service.elapse(laterMs);
      expect((await json('adjust', customerId, ...args)).code).toBe(0);
    });
  });
});
