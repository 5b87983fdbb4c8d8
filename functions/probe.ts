import { randomBytes } from 'node:crypto';
import { askAt } from '../lib/operations/probe/ask.ts';
import { memoryInParameter } from '../lib/operations/probe/memory.ts';
import { type Probed, probe } from '../lib/operations/probe/probe.ts';
import { callFunction } from '../lib/operators/call-function.ts';
import { removeTestCustomerContract as contract } from '../lib/operators/contracts.ts';
import { report } from '../lib/runtime/report.ts';

/** Runs every minute, and needs neither the table nor Stripe: it asks the API like a customer. */
export const handler = (): Promise<Probed> =>
  probe({
    stage: process.env['STAGE'] ?? '',
    ask: askAt(process.env['API_URL'] ?? ''),
    memory: memoryInParameter(process.env),
    removeCustomer: async (email) => {
      const call = { contract, input: { email, actor: 'probe' }, timeoutMs: 10_000 };
      return (await callFunction(process.env, call)).state;
    },
    now: () => new Date(),
    randomBytes,
    report,
  });
