import { textTable } from '../support/text-table.ts';
import type { LoadOptions, LoadResult } from './run-of-load.ts';

export const hasHeld = ({ unexplained, verified }: LoadResult): boolean =>
  unexplained.count === 0 && verified.faults.length === 0;

/** The report as text. */
export function page(result: LoadResult, options: LoadOptions): string {
  const { seconds, calls, kills, explained, deeds, unexplained, verified } = result;
  const { rate, webhooksPerMinute, signUpsPerMinute, seed } = options;
  const called = calls.filter(({ answered, unanswered }) => answered + unanswered > 0);
  const down = kills.reduce((sum, { downSeconds }) => sum + (downSeconds ?? 0), 0);
  const up = Math.max(1, seconds - down);
  const ms = (value: number) => (value < 100 ? value.toFixed(1) : value.toFixed(0));
  return [
    `${seconds} s with ${rate} requests of RSOLV-action a second, ${webhooksPerMinute} webhooks and ${signUpsPerMinute} sign-ups a minute; seed ${seed}`,
    textTable(
      ['call', 'answered', 'a second', 'p50 ms', 'p90', 'p97.5', 'p99', 'max', 'unanswered'],
      called.map((of) => [
        of.kind,
        String(of.answered),
        (of.answered / up).toFixed(1),
        ...[of.ms.p50, of.ms.p90, of.ms.p97_5, of.ms.p99, of.ms.max].map(ms),
        String(of.unanswered),
      ]),
    ),
    textTable(
      ['call', 'answer', 'times'],
      called.flatMap(({ kind, answers }) =>
        Object.entries(answers).map(([answer, times]) => [kind, answer, String(times)]),
      ),
    ),
    ...(kills.length > 0 ? [killsInWords(result, down)] : []),
    ...list(
      'Explained and retried',
      Object.entries(explained).map(([what, times]) => `${times} ${what}`),
    ),
    ...list(
      'Actions at Stripe',
      Object.entries(deeds).map(([what, times]) => `${times} × ${what}`),
    ),
    ...list(`Unexplained: ${unexplained.count}`, unexplained.named),
    verifiedInWords(result),
    ...list(`Wrong: ${verified.faults.length}`, verified.faults.slice(0, 50)),
    hasHeld(result) ? 'Everything agrees.' : 'There are faults.',
  ].join('\n\n');
}

function killsInWords({ kills }: LoadResult, down: number): string {
  const services = kills.filter(({ killed }) => killed === 'service').length;
  const longest = Math.max(...kills.map(({ downSeconds }) => downSeconds ?? 0));
  return (
    `Kills: ${kills.length}: ${services} of the service, ${kills.length - services} of the whole stack. ` +
    `Ready again after ${(down / kills.length).toFixed(1)} s on average, ${longest.toFixed(1)} s at most.`
  );
}

function verifiedInWords({ verified: of }: LoadResult): string {
  return [
    `Verified: ${of.customers} customers, ${of.entries} entries, ${of.charges} charges and ${of.invoices} invoices at Stripe;`,
    `${of.fixesBilled} fixes billed as answered, ${of.fixesNotBilled} not billed; ${of.eventsDelivered} events delivered, each once;`,
    `${of.eventsAtStripe} events at Stripe, each recorded; the sweeper finished ${of.swept}.`,
    `The auditor: ${usd(of.books.charged)} charged and ${usd(-of.books.returned)} returned at Stripe on ${of.books.days} days,`,
    `${of.books.centsApart} cents apart from the ledgers.`,
  ].join(' ');
}

const usd = (cents: number): string => `$${(cents / 100).toFixed(2)}`;

const list = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [[`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n')];
