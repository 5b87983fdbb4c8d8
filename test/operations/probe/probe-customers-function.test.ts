import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../../lib/operations/probe/memory.ts';
import { keyOf } from '../../support/contents.ts';
import { answering, HOUR, MINUTE, RECORD, SIGN_UP, startProbedStage } from '../../support/probed-stage.ts';

/* The test customers of the probe, on the running service. */

const stage = await startProbedStage();
afterAll(() => stage.stop());
beforeEach(() => stage.settle());

describe('no test customer of the probe is left', () => {
  it('a customer that was removed by hand fails one run, and is replaced in that run', async () => {
    const { customer } = await stage.memory();
    stage.nowMs += HOUR;
    await stage.deps.removeCustomer(String(customer?.email));
    expect((await stage.run()).outcome).toBe('failed');
    expect((await stage.run()).outcome).toBe('passed');
    stage.nowMs += 6 * MINUTE;
    await stage.run();
    expect((await stage.memory()).leaving).toEqual([]);
    expect(await stage.customers()).toHaveLength(1);
  });

  it.each(['after the sign-up', 'before the new customer is stored'])(
    'a run that ends %s leaves its customer to the next one',
    async (when) => {
      stage.nowMs += 24 * HOUR;
      let writes = 0;
      const crashing: MemoryStore = {
        read: stage.deps.memory.read,
        write: async (one) => {
          if (when === 'before the new customer is stored' && ++writes === 2) throw new Error('crashed');
          await stage.deps.memory.write(one);
        },
      };
      if (when === 'after the sign-up') stage.release = answering(500, 'internal_error', RECORD);
      const { customer } = await stage.memory();
      await stage.run({ memory: crashing });
      stage.release = async () => {};
      expect(await stage.customers()).toHaveLength(2);
      expect((await stage.memory()).customer).toEqual(customer);
      await stage.run();
      expect(await stage.customers()).toHaveLength(1);
      expect((await stage.memory()).leaving).toEqual([]);
    },
  );

  it('an address whose sign-up is not answered stays in line until the sign-up must have ended', async () => {
    stage.nowMs += 24 * HOUR;
    const lost = answering(503, 'ledger_unavailable', SIGN_UP);
    stage.release = lost;
    expect((await stage.run()).outcome).toBe('undecided');
    stage.release = async () => {};
    stage.nowMs += MINUTE;
    await stage.run();
    expect((await stage.memory()).leaving).toHaveLength(1);
    stage.nowMs += 5 * MINUTE;
    await stage.run();
    expect((await stage.memory()).leaving).toEqual([]);
  });

  it('customers that cannot be removed are counted after an hour, stop sign-ups at five, and fail no run', async () => {
    const removeCustomer = async () => Promise.reject(new Error('Stripe does not answer'));
    for (let day = 0; day < 8; day++) {
      stage.nowMs += 24 * HOUR;
      expect((await stage.run({ removeCustomer })).outcome).toBe('passed');
      await stage.run({ removeCustomer });
    }
    expect((await stage.memory()).leaving).toHaveLength(5);
    expect(stage.reported).toEqual([
      expect.objectContaining({ lateRemovals: 5, notRemoved: 'Stripe does not answer' }),
    ]);
  });

  it('of the customers of two concurrent runs, only one is left after the next runs', async () => {
    stage.nowMs += 24 * HOUR;
    await Promise.all([stage.run(), stage.run()]);
    expect((await stage.customers()).length).toBe(3);
    for (let runs = 0; runs < 3; runs++) await stage.run();
    const { customer } = await stage.memory();
    expect((await stage.customers()).map(keyOf)).toEqual([expect.stringContaining(String(customer?.email))]);
  });
});
