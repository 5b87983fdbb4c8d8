import { styleText } from 'node:util';
import type { ApiAnswer, Transaction } from '../../cli/stage/api-client.ts';
import { formatUsd } from '../../lib/domain/pricing.ts';

/** A step of the journey: an action and its expected result. */
export interface Step {
  readonly title: string;
  readonly run: () => Promise<ApiAnswer>;
  readonly status: number;
  /** The expected balance after the step. */
  readonly balance: number;
  /** The expected fields of the answer. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** How a step changed the account. */
export interface Effect {
  readonly before: number;
  readonly after: number;
  /** The added entries, oldest first, as far as the account call returns them. */
  readonly entries: readonly Transaction[];
  readonly added: number;
}

const MAX_SHOWN = 3;

export const colour = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** All differences from the expected result. */
export function faultsOf({ status, balance, fields = {} }: Step, answer: ApiAnswer, after: number): string[] {
  const faults = Object.entries(fields)
    .filter(([name, value]) => answer.field(name) !== value)
    .map(([name, value]) => `expected ${name} ${String(value)}, got ${String(answer.field(name))}`);
  if (answer.status !== status) faults.unshift(`expected status ${status}, got: ${answer.body}`);
  if (after !== balance) faults.push(`expected a balance of ${balance}`);
  return faults;
}

export function printStep(
  number: number,
  { title }: Step,
  answer: ApiAnswer,
  effect: Effect,
  faults: readonly string[],
): void {
  const { before, after } = effect;
  const mark = faults.length === 0 ? colour('green', '✓') : colour('red', '✗');
  const balance = before === after ? colour('dim', `${after}`) : colour('bold', `${before} → ${after}`);
  console.log(`${mark} ${String(number).padStart(2)}. ${colour('bold', title)}`);
  console.log(`      ${colour('cyan', answer.call)} ${colour('dim', '→')} ${answer.status}`);
  console.log(`      credits ${balance}   ${entriesText(effect)}`);
  for (const fault of faults) console.log(colour('red', `      ${fault}`));
}

function entriesText({ entries, added }: Effect): string {
  if (added === 0) return colour('dim', 'no entry');
  const newest = entries.at(-1);
  if (added > MAX_SHOWN && newest !== undefined)
    return `${colour('dim', `${added} entries, newest:`)} ${entryText(newest)}`;
  return `${colour('dim', added === 1 ? 'entry' : 'entries')} ${entries.map(entryText).join(', ')}`;
}

function entryText({ id, source, amount, metadata }: Transaction): string {
  const paid = source === 'purchased' ? metadata['amount_cents'] : metadata['total_cents'];
  const money = typeof paid === 'number' ? ` for ${formatUsd(paid)}` : '';
  return `#${seqOf(id)} ${source} ${amount > 0 ? '+' : ''}${amount}${money}`;
}

/** The number of an entry. Its id ends with it. */
export const seqOf = (id: string): number => Number(id.split('_').at(-1));
