import type { RunningStack } from '../../cli/stage/running.ts';
import { addsUp, lookBehind } from './accounts.ts';
import { Customer } from './customer.ts';
import { proSteps } from './pro.ts';
import { colour, faultsOf, printStep, type Step, seqOf } from './step.ts';
import { doubleAt } from './stripe-double.ts';
import { trialSteps } from './trial.ts';

/**
 * The journey of two customers, printed step by step.
 * @param stack what is behind the API, where that is on this machine
 * @returns whether every step did what it should, and all that was left behind is sound
 */
export async function journey(url: string, stack: RunningStack | null): Promise<boolean> {
  const double = await doubleAt(stack?.stripe.apiBase);
  const trial = new Customer(url);
  const pro = new Customer(url);
  const parts = [
    { title: 'A trial, without a card', customer: trial, steps: trialSteps(trial) },
    { title: 'A card, and Pro', customer: pro, steps: proSteps(pro, double) },
  ];

  console.log(`\nThe journey of two customers at ${url}`);
  let number = 0;
  let failures = 0;
  for (const { title, customer, steps } of parts) {
    console.log(`\n${colour('underline', title)}\n`);
    failures += await walk(customer, steps, number);
    number += steps.length;
  }
  if (double === null) {
    console.log(
      '\nLeft out: the end of a paid period. There is no Stripe double here whose clock could be moved.',
    );
  }

  console.log(`\n${colour('underline', 'What is left behind')}\n`);
  const wrong = [
    ...(await wrongStatements(parts.map(({ customer }) => customer))),
    ...(await wrongBehind(stack, [trial.id, pro.id])),
  ];
  for (const line of wrong) console.log(colour('red', line));

  const held = failures === 0 && wrong.length === 0;
  const steps = failures === 0 ? `All ${number} steps held` : `${failures} of ${number} steps did not hold`;
  const rest = wrong.length === 0 ? 'and all adds up.' : 'and what is left behind is not sound.';
  console.log(colour(held ? 'green' : 'red', `${steps}, ${rest}`));
  return held;
}

/** Answers how many steps did not do what they should. */
async function walk({ api }: Customer, steps: readonly Step[], before: number): Promise<number> {
  let balance = 0;
  let seq = 0;
  let failures = 0;
  for (const [index, step] of steps.entries()) {
    const answer = await step.run();
    const { balance: after, newest } = await api.account();
    const known = seq;
    const entries = newest.filter(({ id }) => seqOf(id) > known).toReversed();
    seq = seqOf(newest[0]?.id ?? '0');
    const faults = faultsOf(step, answer, after);
    failures += faults.length > 0 ? 1 : 0;
    printStep(
      before + index + 1,
      step,
      answer,
      { before: balance, after, entries, added: seq - known },
      faults,
    );
    balance = after;
  }
  return failures;
}

async function wrongStatements(customers: readonly Customer[]): Promise<string[]> {
  const wrong: string[] = [];
  let entries = 0;
  for (const { id, api } of customers) {
    const statement = await api.statement();
    entries += statement.length;
    if (!addsUp(statement, (await api.account()).balance))
      wrong.push(`The statement of ${id} does not add up.`);
  }
  if (wrong.length === 0) console.log(`Both statements, ${entries} entries, add up to the balances.`);
  return wrong;
}

async function wrongBehind(stack: RunningStack | null, ids: readonly string[]): Promise<readonly string[]> {
  if (stack !== null) return lookBehind(stack, ids);
  console.log('Left out: the invariants, and the money at Stripe, which only a stack on this machine shows.');
  return [];
}
