import { styleText } from 'node:util';
import type { ApiAnswer, Transaction } from '../../cli/stage/api-client.ts';
import { formatUsd } from '../../lib/domain/pricing.ts';

/** A step of the journey: what is done, and what must be seen. */
export interface Step {
  readonly what: string;
  readonly run: () => Promise<ApiAnswer>;
  readonly status: number;
  /** Credits, after it. */
  readonly balance: number;
  /** Facts that the answer must state, by name. */
  readonly says?: Readonly<Record<string, unknown>>;
}

/** What a step did to the account. */
export interface Effect {
  readonly before: number;
  readonly after: number;
  /** The entries that it added, the oldest first, as far as they are told. */
  readonly entries: readonly Transaction[];
  readonly added: number;
}

const MOST_SHOWN = 3;

export const colour = (style: Parameters<typeof styleText>[0], text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** Everything that is not as it should be. */
export function faultsOf({ status, balance, says = {} }: Step, answer: ApiAnswer, after: number): string[] {
  const faults = Object.entries(says)
    .filter(([name, value]) => answer.field(name) !== value)
    .map(([name, value]) => `${name} should be ${String(value)}, it is ${String(answer.field(name))}`);
  if (answer.status !== status) faults.unshift(`the answer should be ${status}: ${answer.body}`);
  if (after !== balance) faults.push(`the balance should be ${balance}`);
  return faults;
}

export function printStep(
  number: number,
  { what }: Step,
  answer: ApiAnswer,
  effect: Effect,
  faults: readonly string[],
): void {
  const { before, after } = effect;
  const mark = faults.length === 0 ? colour('green', '✓') : colour('red', '✗');
  const moved = before === after ? colour('dim', `${after}`) : colour('bold', `${before} → ${after}`);
  console.log(`${mark} ${String(number).padStart(2)}. ${colour('bold', what)}`);
  console.log(`      ${colour('cyan', answer.call)} ${colour('dim', '→')} ${answer.status}`);
  console.log(`      credits ${moved}   ${entriesInWords(effect)}`);
  for (const fault of faults) console.log(colour('red', `      ${fault}`));
}

function entriesInWords({ entries, added }: Effect): string {
  if (added === 0) return colour('dim', 'no entry');
  const newest = entries.at(-1);
  if (added > MOST_SHOWN && newest !== undefined)
    return `${colour('dim', `${added} entries, the newest`)} ${entryInWords(newest)}`;
  return `${colour('dim', added === 1 ? 'entry' : 'entries')} ${entries.map(entryInWords).join(', ')}`;
}

function entryInWords({ id, source, amount, metadata }: Transaction): string {
  const paid = source === 'purchased' ? metadata['amount_cents'] : metadata['total_cents'];
  const money = typeof paid === 'number' ? ` for ${formatUsd(paid)}` : '';
  return `#${seqOf(id)} ${source} ${amount > 0 ? '+' : ''}${amount}${money}`;
}

/** The number of an entry, which its id ends in. */
export const seqOf = (id: string): number => Number(id.split('_').at(-1));
