import { beforeAll, describe, expect, it } from 'vitest';
import type { Posting } from '../../../lib/domain/ledger.ts';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { billFixAttempt } from '../../../lib/operations/fixes/bill-fix-attempt.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { changeLedger } from '../../../lib/operations/ledger/change-ledger.ts';
import { requireFix, requireHead } from '../../../lib/operations/ledger/require-item.ts';
import type { PaymentDeps } from '../../../lib/runtime/deps.ts';
import { decodeAdjustmentGuard, guardAdjustment } from '../../../lib/store/guards.ts';
import { keys } from '../../../lib/store/keys.ts';
import { readTogether } from '../../../lib/store/table.ts';
import { expectSoundLedger, recordedFix } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith, range, uniqueEmail } from '../../support/fixtures.ts';
import { openTestTable, testDeps, throughSdk } from '../../support/table.ts';

let deps: PaymentDeps;
beforeAll(async () => {
  deps = testDeps(await openTestTable());
});

async function withFixes(credits: number, fixes: number) {
  const { head } = await customerWith(deps, credits);
  const fixIds = await Promise.all(range(1, fixes).map((pr) => recordedFix(deps, head.customerId, pr)));
  return { customerId: head.customerId, fixIds };
}

const billAll = ({ customerId, fixIds }: { customerId: string; fixIds: string[] }) =>
  Promise.all(fixIds.map((fixId) => billFixAttempt(deps, customerId, fixId)));

describe('concurrent changes of one customer', () => {
  it('10 credits and five concurrent costs of 3: three succeed, two are refused, and 1 credit is left', async () => {
    const { head } = await customerWith(deps, 10);
    const { customerId } = head;
    const spend = (key: string) =>
      changeLedger<boolean, 'refused' | 'spent'>(deps, {
        customerId,
        relatedKeys: [keys.once(customerId, 'adjustment', key)],
        decodeRelated: ([item]) => item !== undefined && decodeAdjustmentGuard(item).amount === -3,
        decide: ({ head: { balance } }) => {
          if (balance < 3) return { kind: 'done', answer: 'refused' };
          const posting: Posting = { amount: -3, source: 'adjustment', metadata: { key } };
          const guard = { amount: -3, reason: 'cost', actor: 'test' };
          return {
            kind: 'write',
            postings: [posting],
            writes: (next) => [
              guardAdjustment(customerId, key, { ...guard, balanceAfter: next.balance, seq: next.seq }),
            ],
            answer: () => 'spent',
          };
        },
      });
    const outcomes = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(spend));
    expect(outcomes.map(({ answer }) => answer).sort()).toEqual([
      'refused',
      'refused',
      'spent',
      'spent',
      'spent',
    ]);
    const { head: after } = await expectSoundLedger(deps, customerId);
    expect(after.balance).toBe(1);
  });

  it('one fix billed ten times at once costs one credit and leaves one entry', async () => {
    const { customerId, fixIds } = await withFixes(5, 1);
    const [fixId = ''] = fixIds;
    const answers = await billAll({ customerId, fixIds: Array.from({ length: 10 }, () => fixId) });
    expect(answers.filter((answer) => answer.kind === 'billed' && !answer.already)).toHaveLength(1);
    for (const answer of answers) expect(answer).toMatchObject({ kind: 'billed', balance: 4 });
    const { entries } = await expectSoundLedger(deps, customerId);
    expect(entries.filter(({ source }) => source === 'fix_deployed')).toHaveLength(1);
  });

  it('100 fixes billed at once with 100 credits are all billed, and leave no credit and no gap in the ledger', async () => {
    const work = await withFixes(100, 100);
    for (const answer of await billAll(work))
      expect(answer).toMatchObject({ kind: 'billed', already: false });
    const { head, entries } = await expectSoundLedger(deps, work.customerId);
    expect(head.balance).toBe(0);
    expect(entries.map(({ seq }) => seq)).toEqual(range(1, 102));
  });

  it('100 fixes at once with 99 credits: exactly one is refused', async () => {
    const work = await withFixes(99, 100);
    const answers = await billAll(work);
    const refused = answers.filter(({ kind }) => kind === 'blocked');
    expect(refused).toMatchObject([
      { kind: 'blocked', code: 'no_billing_info', reasons: ['no_billing_info'], balance: 0 },
    ]);
    const { head } = await expectSoundLedger(deps, work.customerId);
    expect(head.balance).toBe(0);
  });

  it('a concurrent grant and cost both count', async () => {
    const { customerId, fixIds } = await withFixes(5, 5);
    const grants = range(1, 5).map((n) =>
      adjustCredits(deps, customerId, { amount: 10, reason: 'gift', actor: 'ops', idempotencyKey: `g${n}` }),
    );
    await Promise.all([billAll({ customerId, fixIds }), ...grants]);
    const { head } = await expectSoundLedger(deps, customerId);
    expect(head.balance).toBe(50);
  });
});

describe('concurrent sign-ups with one e-mail address', () => {
  it('of two concurrent sign-ups with one address, one gets the customer and the trial, and the other is rejected', async () => {
    const email = uniqueEmail();
    const signUps = [email, email.toUpperCase(), email, email.toUpperCase()].map((spelled) =>
      onboardCustomer(deps, { name: 'Acme', email: spelled, source: 'direct' }),
    );
    const outcomes = await Promise.allSettled(signUps);
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'email_taken' });
    }
    const { entries } = await expectSoundLedger(deps, winners[0]?.value.head.customerId ?? '');
    expect(entries.map(({ amount, source }) => [amount, source])).toEqual([[5, 'trial_signup']]);
  });

  it('a sign-up that the SDK sends again after a lost response is not rejected by its own first try', async () => {
    let lost = false;
    const table = await throughSdk(deps.table);
    middlewareOf(table).add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (lost || context.commandName !== 'TransactWriteItemsCommand') return answer;
        lost = true;
        throw Object.assign(new Error('connection reset'), { name: 'TimeoutError', $retryable: {} });
      },
      { step: 'deserialize', priority: 'high' },
    );
    const signUp = { name: 'Acme', email: uniqueEmail(), source: 'direct' };
    const { head } = await onboardCustomer({ ...deps, table }, signUp);
    expect(lost).toBe(true);
    await expectSoundLedger(deps, head.customerId);
  });
});

describe('a read of several items', () => {
  it('a fix read as billed beside an older head is answered with the current balance', async () => {
    const { customerId, fixIds } = await withFixes(5, 1);
    const [fixId = ''] = fixIds;
    const [headBefore] = await readTogether(deps.table, [keys.head(customerId)]);
    await billFixAttempt(deps, customerId, fixId);
    const [fixAfter] = await readTogether(deps.table, [keys.fix(customerId, fixId)]);
    const torn = { head: requireHead(headBefore, customerId), related: requireFix(fixAfter) };
    expect(await billFixAttempt(deps, customerId, fixId, torn)).toMatchObject({ already: true, balance: 4 });
  });
});
