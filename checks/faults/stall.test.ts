import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { billFixAttempt } from '../../lib/operations/fixes/bill-fix-attempt.ts';
import type { Table } from '../../lib/store/table.ts';
import { recordedFix } from '../../test/support/customers.ts';
import { customerWithCard, expectSoundMoney, headOf, openMoney } from '../../test/support/money.ts';
import { openTestTable } from '../../test/support/table.ts';

/* Stripe answers after every client gave up. Runs in real time to include the SDK's own time-outs. */

const MAX_SENT = 8;
/** The wait that the answer asks of the client. */
const PAUSE_MS = 5_000;

let table: Table;
beforeAll(async () => {
  table = await openTestTable();
});

describe('a stall of 40 seconds', () => {
  it.concurrent.for(['delay', 'delay_after'] as const)(
    '%s: a client gets payment_pending before it times out, and retries lead to one charge',
    async (kind, { onTestFinished }) => {
      const money = await openMoney(table, { endWith: onTestFinished });
      const { customerId } = await customerWithCard(money, 0);
      const fixId = await recordedFix(money.deps, customerId, 1);
      const bill = () => billFixAttempt(money.deps, customerId, fixId);
      const stall = { path: '/v1/payment_intents', method: 'POST', kind, ms: 40_000, times: 2 };
      await money.control('faults', stall);
      await expect(bill()).rejects.toMatchObject({ code: 'payment_pending' });
      await money.control('faults/clear');

      let sent = 1;
      for (; sent < MAX_SENT; sent++) {
        await sleep(PAUSE_MS);
        const outcome: unknown = await bill().catch((error: unknown) => error);
        if (!(outcome instanceof Error)) break;
        expect(['payment_pending', 'payments_unavailable']).toContain(Reflect.get(outcome, 'code'));
      }
      expect(sent).toBeLessThan(MAX_SENT);
      const paid = money.double.state.paymentIntents.newestFirst.filter(
        ({ status }) => status === 'succeeded',
      );
      expect(paid.map(({ amount }) => amount)).toEqual([2_900]);
      expect((await headOf(money.deps, customerId)).balance).toBe(0);
      await expectSoundMoney(money, customerId);
    },
  );
});
