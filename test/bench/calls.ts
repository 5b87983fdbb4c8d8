import { readLedgerRecords } from '../../lib/store/audit.ts';
import { writeHistory } from '../support/history.ts';
import { customerWithFixes } from './customers.ts';
import { requestsOf, succeed } from './requests.ts';
import { type Setting, withoutOutput } from './setting.ts';

const SHORT_HISTORY = 10;
const LONG_HISTORY = 10_000;

export interface Calls {
  readonly what: string;
  /** Names of the DynamoDB requests, in order. */
  readonly requests: readonly string[];
}

/** Counts what the calls that customers make most cost in DynamoDB, on the wire. */
export async function countCalls({ deps }: Setting, progress: (what: string) => void): Promise<Calls[]> {
  const [{ handler: billFix }, { handler: getUsage }] = await Promise.all([
    import('../../functions/bill-fix-attempt.ts'),
    import('../../functions/get-usage.ts'),
  ]);

  const usageAfter = async (entries: number): Promise<Calls> => {
    progress(`calls, GET /usage after ${entries.toLocaleString('en')} entries`);
    const { apiKey, head } = await customerWithFixes(deps, 0);
    await writeHistory(deps, head.customerId, entries - head.seq);
    const records = await readLedgerRecords(deps.table, head.customerId);
    if (records?.entries.length !== entries) throw new Error('the history is not as long as it should be');
    const requests = await requestsOf(() => withoutOutput(() => succeed(getUsage, { apiKey })));
    return { what: `GET /usage after ${entries.toLocaleString('en')} entries`, requests };
  };

  const billing = async (): Promise<Calls> => {
    const { apiKey, fixes } = await customerWithFixes(deps, 1);
    const requests = await requestsOf(() =>
      withoutOutput(async () => {
        for (const { id } of fixes) await succeed(billFix, { apiKey, params: { id } });
      }),
    );
    return { what: 'Billing a fix from credits', requests };
  };

  return [await billing(), await usageAfter(SHORT_HISTORY), await usageAfter(LONG_HISTORY)];
}
