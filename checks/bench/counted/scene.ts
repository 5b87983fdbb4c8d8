import { randomBytes } from 'node:crypto';
import { type Money, openMoney } from '../../../test/support/money.ts';
import { openSetting, withoutOutput } from '../setting.ts';
import { type Meter, startMeter } from './meter.ts';
import { type Cost, costOf } from './results.ts';

/** The functions on their own table, with a Stripe stand-in, and a meter on every request to the table. */
export interface Scene {
  readonly money: Money;
  readonly webhookSecret: string;
  /** The DynamoDB requests made and the log written while `work` runs. */
  measured(work: () => Promise<unknown>): Promise<Cost>;
  stop(): Promise<void>;
}

/** Sets the environment of the functions. Call once per process, before the first function loads. */
export async function openScene(): Promise<Scene> {
  let meter: Meter | undefined;
  const through = async (engine: string) => {
    meter = await startMeter(engine);
    return meter;
  };
  const setting = await openSetting({ through });
  let stopStripe = async () => {};
  const money = await openMoney(setting.deps.table, {
    endWith: (stop) => {
      stopStripe = stop;
    },
  });
  const webhookSecret = `whsec_${randomBytes(12).toString('hex')}`;
  Object.assign(process.env, money.env, { STRIPE_WEBHOOK_SECRETS: webhookSecret });
  return {
    money,
    webhookSecret,
    measured: async (work) => {
      if (meter === undefined) throw new Error('the table has no meter');
      const log: string[] = [];
      const calls = await meter.measure(() =>
        withoutOutput(
          async () => await work(),
          (text) => log.push(text),
        ),
      );
      return costOf(calls, log.join(''));
    },
    stop: async () => {
      await stopStripe();
      await setting.stop();
    },
  };
}
