import type { CallCost } from '../counted/results.ts';
import { ASSUMED_MS, ASSUMED_MS_ASKING, ASSUMED_MS_CHARGING, fixCosts } from '../fix-costs.ts';
import { PRICES, tableDollars } from '../prices.ts';
import { paragraph, type Section } from './section.ts';

/** What each call consumes in DynamoDB, and the resulting cost of fixes. */
export function costSections(calls: readonly CallCost[]): [Section, Section] {
  return [unitsSection(calls), dollarsSection(calls)];
}

function unitsSection(calls: readonly CallCost[]): Section {
  return {
    title: 'What a call costs in DynamoDB',
    says: [
      paragraph(
        'Requests are counted where they leave the function.',
        'The units are those that the engine reports as consumed (`ReturnConsumedCapacity`).',
        "They follow AWS's rules:",
      ),
      paragraph(
        '- A consistent read takes one read unit for each started 4 KB of an item, and any other read ' +
          'takes half.',
        '  A missing item costs as much.',
        '- A query counts the sum of what it reads.',
        '- A write takes one write unit for each started KB of an item, and two in a transaction.',
        '- The sparse index takes one more unit for an item that is added, removed or changed, and two if ' +
          'its key changes.',
      ),
    ],
    headings: [
      'call',
      'read units',
      'write units',
      'of them index',
      'dollars per million',
      'bytes logged',
      'requests',
    ],
    rows: calls.map(({ what, cost }) => [
      what,
      `${cost.readUnits}`,
      `${cost.writeUnits}`,
      `${cost.indexWriteUnits}`,
      tableDollars(cost).toFixed(2),
      `${cost.logBytes}`,
      shortened(cost.requests),
    ]),
    pictures: [],
  };
}

function dollarsSection(calls: readonly CallCost[]): Section {
  const { region, lookedUp, perMillionReadUnits, perMillionWriteUnits } = PRICES;
  return {
    title: 'What a million fixes cost',
    says: [
      paragraph(
        `The costs are calculated from the counts above, with AWS's on-demand prices in ${region} as of ` +
          `${lookedUp}.`,
        `A million read units cost $${perMillionReadUnits}, and a million write units cost ` +
          `$${perMillionWriteUnits}.`,
        'The duration of a call is **assumed, not measured**.',
        `A million calls cost $${PRICES.perMillionGatewayCalls} at the gateway and ` +
          `$${PRICES.perMillionInvocations} for the functions.`,
        `Functions have 512 MB on arm64, at $${PRICES.perMillionGigabyteSeconds} for a million GB-seconds.`,
        `A call takes ${ASSUMED_MS} ms, ${ASSUMED_MS_ASKING} ms if it reads from Stripe, and ` +
          `${ASSUMED_MS_CHARGING} ms if it charges at Stripe.`,
      ),
      paragraph(
        'The log of a function is measured.',
        'The lines that Lambda and the gateway write for each call are assumed.',
        `A gigabyte costs $${PRICES.perGigabyteLogged} once, and is kept for three months, compressed, at ` +
          `$${PRICES.perGigabyteMonthOfLogs} a month.`,
        'One call in twenty is traced.',
      ),
      paragraph(
        "The table's storage, backups, letters and Stripe's fees are not included.",
        'For a fix that is charged, Stripe takes far more than all of this: 2.9% and $0.30 in its price list.',
        'What a stage costs without a request is in [Operate](operate.md#what-a-stage-costs).',
      ),
    ],
    headings: [
      'each fix',
      'read units',
      'write units',
      'DynamoDB, $',
      'gateway and functions, $',
      'log, $',
      'total, $',
    ],
    rows: fixCosts(calls).map(({ what, readUnits, writeUnits, table, around, logs }) => [
      what,
      `${readUnits}`,
      `${writeUnits}`,
      ...[table, around, logs, table + around + logs].map((dollars) => dollars.toFixed(2)),
    ]),
    pictures: [],
  };
}

/** `BatchGetItem, 2 × PutItem`: groups consecutive equal requests. */
function shortened(requests: readonly string[]): string {
  const groups: { name: string; times: number }[] = [];
  for (const name of requests) {
    const last = groups.at(-1);
    if (last?.name === name) last.times += 1;
    else groups.push({ name, times: 1 });
  }
  return groups.map(({ name, times }) => (times === 1 ? name : `${times} × ${name}`)).join(', ');
}
