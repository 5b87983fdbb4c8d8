import { type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import type { CustomerHead } from '../../lib/domain/customer.ts';
import { reservedCents, roomCents } from '../../lib/domain/payments/spending.ts';
import { PLAN_NAMES } from '../../lib/domain/plans.ts';
import { formatUsd } from '../../lib/domain/pricing.ts';
import { planAt } from '../../lib/domain/subscription.ts';
import { spendingLimitView } from '../../lib/http/views/spending.ts';
import { closeCustomerContract } from '../../lib/operators/contracts.ts';
import { listCustomers } from '../../lib/store/audit/survey.ts';
import { readHeadAndNewest } from '../../lib/store/ledger.ts';
import { type Survey, surveyCustomer } from '../reports/customer-survey.ts';
import { entryLines } from '../reports/entry-lines.ts';
import { encodeListCursor } from '../reports/list-cursor.ts';
import {
  chargeView,
  consentView,
  customerDetailView,
  customerView,
  entryView,
  orderView,
  unreadableNoticeView,
  unreadableView,
} from '../reports/views.ts';
import { customerIdFor, failUnknownCustomer, requireCustomer } from '../stage/customers.ts';
import type { Runner } from '../stage/session.ts';
import {
  actor,
  customerId,
  customerIdOrEmail,
  limit,
  listCursor,
  ownName,
  reason,
} from '../terminal/arguments.ts';
import { counted } from '../terminal/counter.ts';
import { orNone, shortTime, yesOrNo } from '../terminal/format.ts';
import { examples } from '../terminal/help.ts';
import { factLines, tableLines } from '../terminal/table.ts';

const NEWEST_ENTRIES = 10;
const DEFAULT_LIMIT = 20;

export function addCustomer(program: CommandUnknownOpts, runner: Runner): void {
  const customer = program
    .command('customer')
    .summary('find customers and close accounts')
    .description('Finds customers and closes accounts.')
    .addHelpText(
      'after',
      examples('rsolv-billing customer show billing@acme.dev', 'rsolv-billing customer list --plan pro'),
    );

  customer
    .command('show')
    .summary('show one customer')
    .description("Shows a customer's profile, plan and balance, open work, and newest ledger entries.")
    .argument('<customer>', 'customer id, or e-mail address', customerIdOrEmail)
    .addHelpText(
      'after',
      examples('rsolv-billing customer show billing@acme.dev', 'rsolv-billing customer show 5be0…c1 --json'),
    )
    .action((name, _, command) =>
      runner.run(command, async ({ stage, out }) => {
        const { table, now } = stage.deps;
        const id = await customerIdFor(table, name);
        const found = (await readHeadAndNewest(table, id, NEWEST_ENTRIES)) ?? failUnknownCustomer(name);
        const survey = await surveyCustomer(table, id, now());
        const answer = {
          ...customerDetailView(found.head, now()),
          open_charges: survey.openCharges.map((fix) => chargeView(id, fix)),
          unreadable_charges: survey.unreadableFixes.map(unreadableView),
          billing_consents: survey.consents.map(consentView),
          unreadable_consents: survey.unreadableConsents.map(unreadableView),
          spending_limit: spendingLimitView(found.head.spendingLimitCents, survey.spending),
          order: survey.order && orderView(id, survey.order),
          notices: {
            total: survey.notices,
            unsent: survey.unsentNotices,
            unreadable: survey.unreadableNotices.map(unreadableNoticeView),
          },
          newest_entries: found.newest.map(entryView),
        };
        out.answer(answer, () => [
          ...factLines(
            [
              ...headFacts(found.head, now()),
              ...limitFacts(found.head, survey),
              ...consentFacts(survey),
              ...openFacts(survey),
            ],
            out.width,
          ),
          '',
          ...entryLines(found.newest, out.width),
        ]);
        return undefined;
      }),
    );

  customer
    .command('list')
    .summary('list customers')
    .description(
      'Lists customers in no particular order. Each page scans a limited part of the table. So a page can ' +
        'be short or even empty; it prints the cursor of the next page.',
    )
    .addOption(new Option('--plan <plan>', 'only customers on this plan').choices(PLAN_NAMES))
    .option('--owing', 'only customers who owe credits')
    .option('--closing', 'only customers who asked to close their account')
    .option('--limit <count>', 'customers per page', limit, DEFAULT_LIMIT)
    .option('--cursor <cursor>', 'continue after an earlier page', listCursor)
    .addHelpText(
      'after',
      examples(
        'rsolv-billing customer list --plan pro --limit 50',
        'rsolv-billing customer list --owing --json',
      ),
    )
    .action((options, command) =>
      runner.run(command, async ({ stage, out }) => {
        const filter = {
          plan: options.plan,
          owing: options.owing ?? false,
          closing: options.closing ?? false,
        };
        const page = await listCustomers(stage.deps.table, filter, options.limit, options.cursor ?? null);
        const cursor = page.next === null ? null : encodeListCursor(page.next);
        const at = stage.deps.now();
        const customers = page.customers.map((head) => customerView(head, at));
        out.answer({ customers, next_cursor: cursor }, () => [
          ...(page.customers.length === 0
            ? ['No customers on this page.']
            : customerLines(page.customers, at, out.width)),
          ...(cursor === null ? [] : ['', 'There may be more. Continue with', `  --cursor ${cursor}`]),
        ]);
        return undefined;
      }),
    );

  customer
    .command('close')
    .summary("close a customer's account")
    .description(
      'Cancels the subscription, revokes all keys and removes personal data. The ledger is kept and can ' +
        'still be verified. This cannot be undone. Asks first.',
    )
    .argument('<customer id>', 'whose account', customerId)
    .requiredOption('--reason <text>', 'why; stored in the log', reason)
    .option('--actor <name>', 'your name', actor, ownName())
    .option('--yes', 'do not ask')
    .addHelpText('after', examples('rsolv-billing customer close 5be0…c1 --reason "asked to be forgotten"'))
    .action((id, options, command) =>
      runner.run(command, async ({ stage, out, confirm }) => {
        const { balance } = await requireCustomer(stage.deps.table, id);
        await confirm(
          `Close customer ${id}, with ${balance} credits left? This cannot be undone.`,
          options.yes ?? false,
        );
        const closed = await stage.functions.call(closeCustomerContract, {
          customer_id: id,
          reason: options.reason,
          actor: options.actor,
        });
        out.answer({ customer_id: id, ...closed }, () => [`Customer ${id} is closed.`]);
        return undefined;
      }),
    );
}

/** What is known about the address. */
const EMAIL_STATES: Readonly<Record<CustomerHead['emailState'], string>> = {
  confirmed: 'confirmed',
  assumed: 'not confirmed (an earlier release signed the customer up)',
  unconfirmed: 'not confirmed',
};

function headFacts(head: CustomerHead, at: Date): [string, string][] {
  const { subscription } = head;
  const ends = subscription?.cancelAtPeriodEnd ? ', ends at period end' : '';
  const until = subscription?.currentPeriodEnd
    ? `, period until ${shortTime(subscription.currentPeriodEnd)}`
    : '';
  const paid = subscription?.coveredUntil ? `, paid until ${shortTime(subscription.coveredUntil)}` : '';
  return [
    ['customer', head.customerId],
    ['name', head.name],
    ['e-mail', head.email],
    ['e-mail is', EMAIL_STATES[head.emailState]],
    ...(head.newEmail === null
      ? []
      : [['new e-mail', `${head.newEmail}, not confirmed yet`] satisfies [string, string]]),
    ['since', `${shortTime(head.createdAt)} UTC`],
    ...(head.closedAt === null
      ? []
      : [['closed', `${shortTime(head.closedAt)} UTC`] satisfies [string, string]]),
    ...(head.closingAskedAt === null
      ? []
      : [['asked to close', `${shortTime(head.closingAskedAt)} UTC`] satisfies [string, string]]),
    ['plan', planAt(head, at)],
    [
      'subscription',
      subscription === null ? 'none' : `${subscription.id}, ${subscription.state}${until}${paid}${ends}`,
    ],
    ['balance', `${counted(head.balance, 'credit')}, ${head.debt} owed`],
    ['card on file', yesOrNo(head.paymentMethodId !== null)],
    ['at Stripe', orNone(head.stripeCustomerId)],
    ['open disputes', head.openDisputes.length === 0 ? 'none' : head.openDisputes.join(' ')],
    ['API keys', keysLine(head)],
    ['ledger', counted(head.seq, 'entry', 'entries')],
  ];
}

function limitFacts({ spendingLimitCents: limit }: CustomerHead, { spending }: Survey): [string, string][] {
  const room = roomCents(limit, spending);
  const { month, spentCents, awaitingCents } = spending;
  const awaiting = awaitingCents === 0 ? '' : ` (${formatUsd(awaitingCents)} waiting for the cardholder)`;
  return [
    ['month limit', limit === null ? 'none' : `${formatUsd(limit)} a month`],
    [
      'fix charges',
      `${month}: ${formatUsd(spentCents)} spent, ${formatUsd(reservedCents(spending))} reserved${awaiting}` +
        (room === null ? '' : `, ${formatUsd(room)} left`),
    ],
  ];
}

function keysLine({ activeKeys, accountKeys }: CustomerHead): string {
  const forFixes = activeKeys - accountKeys;
  return `${activeKeys} active${forFixes === 0 ? '' : `, ${forFixes} of them only for fixes`}`;
}

const consentFacts = ({ consents, unreadableConsents }: Survey): [string, string][] => [
  ...consents.map(({ paymentMethodId, givenAt, sourceIp, by, version }): [string, string] => [
    'consent',
    `${shortTime(givenAt)} UTC, ${paymentMethodId}, from ${sourceIp}, ` +
      `${by.kind === 'api_key' ? `key ${by.keyId.slice(0, 8)}` : `page ${by.page}`}, text of ${version}`,
  ]),
  ...unreadableConsents.map(({ key }): [string, string] => ['not readable', key.sk]),
];

function openFacts({
  openCharges,
  order,
  notices,
  unsentNotices,
  unreadableNotices,
  unreadableFixes,
}: Survey): [string, string][] {
  const charges = openCharges.map(({ githubOrg, repoName, prNumber, charge }): [string, string] => [
    'open charge',
    `${githubOrg}/${repoName}#${prNumber}, ${formatUsd(charge?.amountCents ?? 0)}, ${charge?.state}`,
  ]);
  return [
    ...charges,
    ...unreadableFixes.map(({ key }): [string, string] => ['not readable', key.sk]),
    ['Pro order', order === null ? 'none' : `${order.state}, attempt ${order.attempt}`],
    ['notices', `${notices}, ${unsentNotices} not sent`],
    ...unreadableNotices.map(({ label }): [string, string] => ['not readable', `notice ${label}`]),
  ];
}

const customerLines = (customers: readonly CustomerHead[], at: Date, width: number): string[] =>
  tableLines(
    [
      { heading: 'customer' },
      { heading: 'plan' },
      { heading: 'credits', align: 'right' },
      { heading: 'owed', align: 'right' },
      { heading: 'e-mail', flexible: true },
    ],
    customers.map((head) => [
      head.customerId,
      head.closedAt === null ? planAt(head, at) : 'closed',
      String(head.balance),
      String(head.debt),
      head.email,
    ]),
    width,
  );
