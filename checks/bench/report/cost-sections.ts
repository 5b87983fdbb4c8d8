import { costOfCall } from '../budgets.ts';
import type { CallCost, Cost } from '../counted/results.ts';
import { callDollars, PRICES, tableDollars } from '../prices.ts';
import { paragraph, type Section } from './section.ts';

/** Assumed, not measured: the duration of a call on Lambda, in milliseconds. */
const ASSUMED_MS = 30;
/** With a Stripe call that moves money. The next one is with a Stripe call that only reads. */
const ASSUMED_MS_CHARGING = 1_000;
const ASSUMED_MS_ASKING = 300;

interface Step {
  readonly call: string;
  readonly assumedMs: number;
}

const RECORDED: readonly Step[] = [
  { call: 'record a fix', assumedMs: ASSUMED_MS },
  { call: 'find a fix', assumedMs: ASSUMED_MS },
];
const LIVES: readonly { readonly what: string; readonly steps: readonly Step[] }[] = [
  {
    what: 'billed from credits, nothing else',
    steps: [{ call: 'bill a fix from credits', assumedMs: ASSUMED_MS }],
  },
  {
    what: 'recorded, looked up, billed from credits',
    steps: [...RECORDED, { call: 'bill a fix from credits', assumedMs: ASSUMED_MS }],
  },
  {
    what: 'recorded, looked up, billed by card, and its event',
    steps: [
      ...RECORDED,
      { call: 'bill a fix by card', assumedMs: ASSUMED_MS_CHARGING },
      { call: 'webhook: a fix is paid', assumedMs: ASSUMED_MS_ASKING },
    ],
  },
];

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
    headings: ['call', 'read units', 'write units', 'of them index', 'dollars per million', 'requests'],
    rows: calls.map(({ what, cost }) => [
      what,
      `${cost.readUnits}`,
      `${cost.writeUnits}`,
      `${cost.indexWriteUnits}`,
      tableDollars(cost).toFixed(2),
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
        'Gateway and functions are **assumed, not measured**.',
        `A million calls cost $${PRICES.perMillionGatewayCalls} at the gateway and ` +
          `$${PRICES.perMillionInvocations} for the functions.`,
        `Functions have 512 MB on arm64, at $${PRICES.perMillionGigabyteSeconds} for a million GB-seconds.`,
        `A call takes ${ASSUMED_MS} ms, ${ASSUMED_MS_ASKING} ms if it reads from Stripe, and ` +
          `${ASSUMED_MS_CHARGING} ms if it charges at Stripe.`,
        "Storage, backups, logs and Stripe's fees are not included.",
      ),
    ],
    headings: ['each fix', 'read units', 'write units', 'DynamoDB, $', 'gateway and functions, $ (assumed)'],
    rows: LIVES.map(({ what, steps }) => {
      const costs = steps.map(({ call }) => costOfCall(calls, call).cost);
      const total = (of: (cost: Cost) => number) => costs.reduce((sum, cost) => sum + of(cost), 0);
      const [readUnits, writeUnits] = [total((cost) => cost.readUnits), total((cost) => cost.writeUnits)];
      const around = steps.reduce((sum, { assumedMs }) => sum + callDollars(assumedMs), 0);
      return [
        what,
        `${readUnits}`,
        `${writeUnits}`,
        tableDollars({ readUnits, writeUnits }).toFixed(2),
        around.toFixed(2),
      ];
    }),
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
