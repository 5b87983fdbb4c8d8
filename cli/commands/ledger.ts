import { type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { INVARIANTS } from '../../lib/domain/verify.ts';
import { encodeCursor } from '../../lib/http/cursor.ts';
import { readEntriesDown } from '../../lib/store/ledger.ts';
import { entryLines } from '../reports/entry-lines.ts';
import { exportLedger } from '../reports/export.ts';
import { WHAT_TO_DO } from '../reports/reconciliation-text.ts';
import { type Verified, verifyLedgers } from '../reports/verify.ts';
import { entryView } from '../reports/views.ts';
import { requireCustomer } from '../stage/customers.ts';
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
    .description('Shows, verifies and exports ledgers. Never changes one.')
    .addHelpText('after', examples('rsolv-billing ledger show 5be0…c1', 'rsolv-billing ledger verify'));

  ledger
    .command('show')
    .summary("show a customer's entries")
    .description("Shows a customer's ledger entries, newest first.")
    .argument('<customer id>', 'whose ledger', customerId)
    .option('--limit <count>', 'entries per page', limit, DEFAULT_LIMIT)
    .option('--cursor <cursor>', 'continue after an earlier page', entryCursor)
    .addHelpText(
      'after',
      examples('rsolv-billing ledger show 5be0…c1', 'rsolv-billing ledger show 5be0…c1 --limit 100 --json'),
    )
    .action((id, options, command) =>
      runner.run(command, async ({ stage, out }) => {
        await requireCustomer(stage.deps.table, id);
        const entries = await readEntriesDown(stage.deps.table, id, options.cursor ?? null, options.limit);
        // Entries are numbered from 1 without gaps. So the last number of the page shows whether more follow.
        const last = entries.at(-1)?.seq ?? 1;
        const cursor = last > 1 ? encodeCursor(last) : null;
        out.answer({ customer_id: id, entries: entries.map(entryView), next_cursor: cursor }, () => [
          ...(entries.length === 0 ? ['No entries on this page.'] : entryLines(entries, out.width)),
          ...(cursor === null ? [] : ['', `Older entries: --cursor ${cursor}`]),
        ]);
        return undefined;
      }),
    );

  ledger
    .command('verify')
    .summary('check the invariants, and the money at Stripe')
    .description(
      'Checks the eight invariants of ledgers, compares their money with Stripe, and prints each ' +
        'violation. Without ids it checks every customer. Exit code 1 if there is a violation.',
    )
    .argument('[customer ids...]', 'whose ledgers; default: all', customerIds)
    .option('--no-stripe', 'do not compare with Stripe; check money within the ledger only')
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
      'Writes ledger entries, oldest first for each customer, with every field that the hashes cover. ' +
        'Without ids it exports every customer. An incomplete or interrupted file is named FILE.part; a ' +
        'complete one FILE.',
    )
    .argument('[customer ids...]', 'whose ledgers; default: all', customerIds)
    .addOption(
      new Option('--format <format>', 'CSV with a header line, or JSON lines')
        .choices(FORMATS)
        .default('csv' as const),
    )
    .option('--output <file>', 'file to write; - is stdout', outputFile, '-')
    .option('--force', 'replace the file if it exists')
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
          const exported = await exportLedger(session, { customerIds: ids, format, output, force });
          if (exported === null) return undefined;
          const { entries, customers } = exported;
          const total = `${counted(entries, 'entry', 'entries')} of ${counted(customers, 'customer')}`;
          if (output === '-') session.out.note(`stage ${session.stage.name}: ${total} written.`);
          else
            session.out.answer({ file: output, format, ...exported }, () => [
              `${total} written to ${output}.`,
            ]);
          return undefined;
        },
        { handlesInterrupt: true },
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
