import type { CustomerHead } from '../../domain/customer.ts';
import type { LedgerEntry } from '../../domain/ledger.ts';
import type { TriesByCard } from '../../domain/payments/card-tries.ts';
import { chargeObstacles, type Obstacle } from '../../domain/payments/charge-obstacles.ts';
import type { Spending } from '../../domain/payments/spending.ts';
import { PLANS, type SoldPrices, soldPriceOf } from '../../domain/plans.ts';
import { FIX_CREDITS, formatUsd } from '../../domain/pricing.ts';
import { fixPriceAt, planAt } from '../../domain/subscription.ts';
import { accountWarnings, type Warning } from '../../domain/warnings.ts';
import { type Html, html, type Part } from '../../html.ts';
import type { Reply } from '../reply.ts';
import { pageReply } from './page.ts';
import { type Column, counted, dayOf, signed, tableOf, timeOf } from './parts.ts';

/** What the page shows beside the account itself. */
interface Known {
  readonly cards: TriesByCard;
  /** Of this month. */
  readonly spending: Spending;
  readonly prices: SoldPrices;
}

/** The account at a glance: balance, plan, what the next fix costs, and what needs attention. */
export function overviewPage(
  { head, newest }: { readonly head: CustomerHead; readonly newest: readonly LedgerEntry[] },
  { cards, spending, prices }: Known,
  formToken: string,
  at: Date,
): Reply {
  const wanted = { amountCents: fixPriceAt(head, at), spending };
  const obstacles = chargeObstacles(head, { cards, at, byPerson: false, wanted });
  return pageReply({
    title: 'Your account',
    path: '/billing',
    signedIn: { name: head.name, formToken },
    content: html`${attention(accountWarnings(head, cards, spending, at))}
<div class="tiles">
<section><h2>Credits</h2><p class="figure">${counted(head.balance)}</p>
${debtLine(head)}</section>
<section><h2>Plan</h2>${planLines(head, prices, at)}</section>
<section><h2>The next fix</h2>${nextFix(head, obstacles[0], at)}</section>
</div>
<section><h2>Newest changes</h2>
${tableOf('Newest changes', NEWEST, newest.map(entryRow))}
</section>`,
  });
}

function attention(warnings: readonly Warning[]): Html | null {
  if (warnings.length === 0) return null;
  const lines = warnings.map(({ message }) => html`<p>${message}</p>`);
  return html`<section class="problem"><h2>Needs attention</h2>${lines}</section>`;
}

const debtLine = ({ debt }: CustomerHead): Html | null =>
  debt === 0 ? null : html`<p>${counted(debt)} owed: the next grant is reduced by it.</p>`;

const NEWEST: readonly Column[] = [
  { heading: 'When' },
  { heading: 'What' },
  { heading: 'Credits', isNumber: true },
  { heading: 'Balance', isNumber: true },
];

const entryRow = ({ createdAt, source, amount, balanceAfter }: LedgerEntry): Part[] => [
  timeOf(createdAt),
  SOURCES[source],
  signed(amount),
  counted(balanceAfter),
];

function planLines(head: CustomerHead, prices: SoldPrices, at: Date): Html {
  const plan = planAt(head, at);
  const { subscription } = head;
  const { monthCents, credits } = soldPriceOf(prices, 'pro');
  if (plan !== 'pro') {
    return html`<p class="figure">${PLANS[plan].name}</p>
<p>Pro is ${formatUsd(monthCents)} a month, with ${credits} credits,
and ${formatUsd(PLANS.pro.fixCents)} for each fix beyond them.</p>`;
  }
  const until = subscription?.coveredUntil ?? null;
  const end =
    until === null
      ? null
      : subscription?.cancelAtPeriodEnd === true
        ? html`<p>Cancelled: it ends on ${dayOf(until)}.</p>`
        : html`<p>Paid until ${dayOf(until)}.</p>`;
  return html`<p class="figure">${PLANS.pro.name}</p>${end}`;
}

const OBSTACLES: Readonly<Record<Obstacle, string>> = {
  no_billing_info: 'It is blocked: there are no credits, and no card is on file.',
  account_disputed: 'It is blocked: no card is charged while a payment is disputed with your bank.',
  spending_limit_reached: "It is blocked: the month's spending limit leaves no room for it.",
  card_declined: 'It is blocked for now: your card was declined.',
};

function nextFix(head: CustomerHead, obstacle: Obstacle | undefined, at: Date): Html {
  if (head.balance >= FIX_CREDITS) return html`<p class="figure">1 credit</p><p>Nothing is charged.</p>`;
  if (obstacle !== undefined) return html`<p class="figure">Blocked</p><p>${OBSTACLES[obstacle]}</p>`;
  return html`<p class="figure">${formatUsd(fixPriceAt(head, at))}</p>
<p>No credits are left, so your card is charged.</p>`;
}

const SOURCES: Readonly<Record<LedgerEntry['source'], string>> = {
  trial_signup: 'Sign-up',
  trial_billing_added: 'First card',
  pro_subscription_payment: 'Pro, paid',
  purchased: 'Fix, charged to the card',
  fix_deployed: 'Fix merged',
  adjustment: 'Adjusted by RSOLV',
  refund_reversal: 'Taken back: the payment was returned',
};
