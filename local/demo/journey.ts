import type { RunningStack } from '../../cli/stage/running.ts';
import { addsUp, auditAccounts } from './accounts.ts';
import { Customer } from './customer.ts';
import { proSteps } from './pro.ts';
import { colour, faultsOf, printStep, type Step, seqOf } from './step.ts';
import { connectDouble } from './stripe-double.ts';
import { trialSteps } from './trial.ts';

/**
 * Runs and prints the journey of two customers, step by step.
 * @param stack the local stack behind the API. Null if it is not on this machine
 * @returns whether every step passed and the accounts are correct afterwards
 */
export async function journey(url: string, stack: RunningStack | null): Promise<boolean> {
  const double = await connectDouble(stack?.stripe.apiBase);
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
    console.log('\nSkipped: the end of a paid period. It needs a Stripe double whose clock can be moved.');
  }

  console.log(`\n${colour('underline', 'The accounts afterwards')}\n`);
  const faults = [
    ...(await statementFaults(parts.map(({ customer }) => customer))),
    ...(await auditFaults(stack, [trial.id, pro.id])),
  ];
  for (const line of faults) console.log(colour('red', line));

  const passed = failures === 0 && faults.length === 0;
  const steps = failures === 0 ? `All ${number} steps passed` : `${failures} of ${number} steps failed`;
  const accounts = faults.length === 0 ? 'and the accounts are correct.' : 'and the accounts are wrong.';
  console.log(colour(passed ? 'green' : 'red', `${steps}, ${accounts}`));
  return passed;
}

/** Runs the steps. Returns the number of failed ones. */
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

async function statementFaults(customers: readonly Customer[]): Promise<string[]> {
  const faults: string[] = [];
  let entries = 0;
  for (const { id, api } of customers) {
    const statement = await api.statement();
    entries += statement.length;
    if (!addsUp(statement, (await api.account()).balance))
      faults.push(`The statement of ${id} does not add up.`);
  }
  if (faults.length === 0) console.log(`Both statements, ${entries} entries, add up to the balances.`);
  return faults;
}

async function auditFaults(stack: RunningStack | null, ids: readonly string[]): Promise<readonly string[]> {
  if (stack !== null) return auditAccounts(stack, ids);
  console.log('Skipped: the invariants and the money at Stripe, which need a local stack.');
  return [];
}
