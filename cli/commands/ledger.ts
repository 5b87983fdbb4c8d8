import { type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { INVARIANTS } from '../../lib/domain/verify.ts';
import { encodeCursor } from '../../lib/http/cursor.ts';
import { readEntriesDown } from '../../lib/store/ledger.ts';
import { entryLines } from '../reports/entry-lines.ts';
import { exportLedger } from '../reports/export.ts';
import { WHAT_TO_DO } from '../reports/reconciliation-text.ts';
import { type Verified, verifyLedgers } from '../reports/verify.ts';
import { entryView } from '../reports/views.ts';
import { existingCustomer } from '../stage/customers.ts';
import type { Runner } from '../stage/session.ts';
import { customerId, customerIds, entryCursor, limit, outputFile } from '../terminal/arguments.ts';
import { counted } from '../terminal/counter.ts';
import { EXIT } from '../terminal/failure.ts';
import { examples } from '../terminal/help.ts';
import { textLines } from '../terminal/wrap.ts';

const DEFAULT_LIMIT = 20;
const FORMATS = ['csv', 'jsonl'] as const;

export function addLedger(program: CommandUnknownOpts, runner: Runner): void {
  const ledger = program
    .command('ledger')
    .summary('show, verify and export ledgers')
    .description('Shows, verifies and exports ledgers. Nothing here changes one.')
    .addHelpText('after', examples('rsolv-billing ledger show 5be0…c1', 'rsolv-billing ledger verify'));

  ledger
    .command('show')
    .summary("a customer's entries")
    .description("Shows a customer's ledger entries, the newest first.")
    .argument('<customer id>', 'whose ledger', customerId)
    .option('--limit <count>', 'entries on a page', limit, DEFAULT_LIMIT)
    .option('--cursor <cursor>', 'go on where a page before ended', entryCursor)
    .addHelpText(
      'after',
      examples('rsolv-billing ledger show 5be0…c1', 'rsolv-billing ledger show 5be0…c1 --limit 100 --json'),
    )
    .action((id, options, command) =>
      runner.run(command, async ({ stage, out }) => {
        await existingCustomer(stage.deps.table, id);
        const entries = await readEntriesDown(stage.deps.table, id, options.cursor ?? null, options.limit);
        // Entries are numbered from 1 without holes, so what the page ends on tells whether there is another one.
        const last = entries.at(-1)?.seq ?? 1;
        const cursor = last > 1 ? encodeCursor(last) : null;
        out.answer({ customer_id: id, entries: entries.map(entryView), next_cursor: cursor }, () => [
          ...(entries.length === 0 ? ['No entries on this page.'] : entryLines(entries, out.width)),
          ...(cursor === null ? [] : ['', `Older ones: --cursor ${cursor}`]),
        ]);
        return undefined;
      }),
    );

  ledger
    .command('verify')
    .summary('check the invariants, and the money at Stripe')
    .description(
      'Checks the eight invariants of ledgers, their money against what Stripe has, and names each violation. ' +
        'Without ids every customer. Exit code 1 when there is a violation.',
    )
    .argument('[customer ids...]', 'whose ledgers; without any, all', customerIds)
    .option('--no-stripe', 'leave Stripe out: money is checked within the ledger only')
    .addHelpText(
      'after',
      examples('rsolv-billing ledger verify', 'rsolv-billing ledger verify 5be0…c1 7f02…9a --stage staging'),
    )
    .action((ids, options, command) =>
      runner.run(command, async (session) => {
        const verified = await verifyLedgers(session, ids, options.stripe);
        session.out.answer(verifiedView(verified), () => verifiedLines(verified, session.out.width));
        return verified.violations.length > 0 ? EXIT.refused : EXIT.ok;
      }),
    );

  ledger
    .command('export')
    .summary('write ledgers to a file')
    .description(
      'Writes ledger entries, the oldest of each customer first, with all that their hashes cover. Without ids every ' +
        'customer. A file gets its name when it is complete; until then, and when it is interrupted, it is FILE.part.',
    )
    .argument('[customer ids...]', 'whose ledgers; without any, all', customerIds)
    .addOption(
      new Option('--format <format>', 'CSV with a heading, or JSON lines')
        .choices(FORMATS)
        .default('csv' as const),
    )
    .option('--output <file>', 'where to; - is stdout', outputFile, '-')
    .option('--force', 'replace the file if it is there')
    .addHelpText(
      'after',
      examples(
        'rsolv-billing ledger export 5be0…c1 --output acme.csv',
        'rsolv-billing ledger export --format jsonl --output ledger.jsonl --force',
        'rsolv-billing ledger export --format jsonl | gzip > ledger.jsonl.gz',
      ),
    )
    .action((ids, { format, output, force = false }, command) =>
      runner.run(
        command,
        async (session) => {
          const done = await exportLedger(session, { customerIds: ids, format, output, force });
          if (done === null) return undefined;
          const what = `${counted(done.entries, 'entry', 'entries')} of ${counted(done.customers, 'customer')}`;
          if (output === '-') session.out.note(`stage ${session.stage.name}: ${what} written.`);
          else session.out.answer({ file: output, format, ...done }, () => [`${what} written to ${output}.`]);
          return undefined;
        },
        { endsInOrder: true },
      ),
    );
}

const verifiedView = ({ customers, entries, violations }: Verified) => ({
  customers,
  entries,
  violations: violations.map(({ customerId: id, invariant, seq, message }) => ({
    customer_id: id,
    invariant,
    seq,
    message,
  })),
});

function verifiedLines({ customers, entries, violations }: Verified, width: number): string[] {
  const checked = `${counted(customers, 'customer')}, ${counted(entries, 'entry', 'entries')}`;
  if (violations.length === 0) return [`All invariants hold: ${checked}.`];
  return [
    ...violations.flatMap(({ customerId: id, invariant, message }) => [
      `customer ${id}`,
      ...textLines(message, width, '  '),
      ...(invariant === null
        ? []
        : textLines(`broken: ${INVARIANTS[invariant]} (invariant ${invariant})`, width, '  ')),
    ]),
    WHAT_TO_DO,
    `${counted(violations.length, 'violation')} in ${checked}.`,
  ];
}
