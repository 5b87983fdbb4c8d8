import { costOfCall } from '../budgets.ts';
import type { CallCost, Cost } from '../counted/results.ts';
import { callDollars, PRICES, tableDollars } from '../prices.ts';
import type { Section } from './section.ts';

/** Assumed, not measured: how long a function runs on Lambda for a call, in milliseconds. */
const ASSUMED_MS = 30;
/** With a call to Stripe that moves money in it; and with one that asks. */
const ASSUMED_MS_CHARGING = 1_000;
const ASSUMED_MS_ASKING = 300;

interface Step {
  readonly call: string;
  readonly assumedMs: number;
}

const RECORDED: readonly Step[] = [
  { call: 'record a fix', assumedMs: ASSUMED_MS },
  { call: 'look a fix up', assumedMs: ASSUMED_MS },
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
    what: 'recorded, looked up, billed by card, and the event of it',
    steps: [
      ...RECORDED,
      { call: 'bill a fix by card', assumedMs: ASSUMED_MS_CHARGING },
      { call: 'webhook: a fix is paid', assumedMs: ASSUMED_MS_ASKING },
    ],
  },
];

/** What each call takes of DynamoDB, and what fixes cost by that. */
export function costSections(calls: readonly CallCost[]): [Section, Section] {
  return [unitsSection(calls), dollarsSection(calls)];
}

function unitsSection(calls: readonly CallCost[]): Section {
  return {
    title: 'What a call costs in DynamoDB',
    says: [
      'Counted where requests leave the function, with the units that the engine says it consumed (`ReturnConsumedCapacity`). They ' +
        "follow AWS's rules: a read unit for each started 4 KB of an item that is read consistently, half of that otherwise, and as " +
        'much for an item that is not there; a query counts the sum of what it reads. A write unit for each started KB of an item, ' +
        'two in a transaction; in the sparse index one more for an item that comes, goes or changes, two where its key changes.',
    ],
    headings: ['call', 'read units', 'write units', 'of them index', 'dollars a million', 'requests'],
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
      `Arithmetic from the counts above, with AWS's prices on demand in ${region} as of ${lookedUp}: $${perMillionReadUnits} for a ` +
        `million read units, $${perMillionWriteUnits} for a million write units. Gateway and functions are **assumed, not measured**: ` +
        `$${PRICES.perMillionGatewayCalls} and $${PRICES.perMillionInvocations} for a million calls, 512 MB on arm64 at ` +
        `$${PRICES.perMillionGigabyteSeconds} for a million GB-seconds, ${ASSUMED_MS} ms a call, ${ASSUMED_MS_ASKING} ms where Stripe ` +
        `is asked, ${ASSUMED_MS_CHARGING} ms where it charges. Not in it: storage, backups, logs, and what Stripe takes.`,
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

/** `BatchGetItem, 2 × PutItem`: the same ones that follow each other together. */
function shortened(requests: readonly string[]): string {
  const groups: { name: string; times: number }[] = [];
  for (const name of requests) {
    const last = groups.at(-1);
    if (last?.name === name) last.times += 1;
    else groups.push({ name, times: 1 });
  }
  return groups.map(({ name, times }) => (times === 1 ? name : `${times} × ${name}`)).join(', ');
}
