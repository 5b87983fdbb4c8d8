import type { CustomerHead } from '../../../domain/customer.ts';
import type { Obstacle } from '../../../domain/payments/charge-obstacles.ts';
import { nextObstacles } from '../../../domain/payments/exposure.ts';
import { PLANS, soldPriceOf } from '../../../domain/plans.ts';
import { FIX_CREDITS, formatUsd, GRANTED_CREDITS } from '../../../domain/pricing.ts';
import { linesOf } from '../../../domain/statement/lines.ts';
import { fixPriceAt, planAt } from '../../../domain/subscription.ts';
import { type Html, html } from '../../../html.ts';
import type { Overview } from '../../../operations/statement/read-overview.ts';
import type { Reply } from '../../reply.ts';
import { pageReply } from '../page.ts';
import { counted, countOf, dayOf } from '../parts.ts';
import { changesTable } from '../statement/changes-table.ts';
import { attention } from './attention.ts';
import { balanceChart } from './balance-chart.ts';
import { exposureSection, limitSection, monthsSection } from './spending.ts';
import { waitingSection } from './waiting.ts';

/** How many changes the overview lists. The statement lists all. */
const LISTED = 10;

/** The account at a glance: balance, plan, what the next fix costs, money, and what needs attention. */
export function overviewPage(overview: Overview, formToken: string): Reply {
  const { head, newest, at } = overview;
  const isNew = isUnused(overview);
  const lines = linesOf(newest.toReversed()).reverse();
  const chart = balanceChart(lines, newest.at(-1)?.seq === 1, at);
  return pageReply({
    title: 'Your account',
    path: '/billing',
    signedIn: { name: head.name, formToken },
    content: html`${attention(overview, isNew)}${waitingSection(overview)}
<div class="tiles">
<section><h2>Credits</h2><p class="figure">${counted(head.balance)}</p>
${debtLine(head)}</section>
<section><h2>Plan</h2>${planLines(overview)}</section>
<section><h2>The next fix</h2>${nextFix(overview)}</section>
</div>
${
  isNew
    ? firstSteps(head)
    : html`<div class="tiles pairs">${exposureSection(overview)}${limitSection(overview)}</div>`
}
${chart === null ? null : html`<section><h2>Balance</h2>${chart}</section>`}
${isNew ? null : monthsSection(overview)}
<section><h2>Newest changes</h2>
${changesTable('Newest changes', lines.slice(0, LISTED))}
<p class="after"><a href="/billing/statement">Statement by month</a></p></section>
<p class="soft"><a href="/billing/account.json">Download everything about this account</a> (JSON)</p>`,
  });
}

/** No recent fix is unbilled, and no billed one is among the newest changes. */
const isUnused = ({ newest, unbilledFixes }: Overview): boolean =>
  unbilledFixes === 0 && !newest.some(({ source }) => source === 'fix_deployed');

/** What a new customer does next. */
const firstSteps = ({ paymentMethodId }: CustomerHead): Html => html`<section><h2>Get started</h2>
<ol>
<li><a href="/billing/keys">Create an API key</a> that can only record and bill fixes.</li>
<li>Add it to the secrets of your repository, for RSOLV’s GitHub Action.</li>
<li>Merge the first fix that RSOLV opens: it costs ${countOf(FIX_CREDITS, 'credit')}.</li>
${
  paymentMethodId === null
    ? html`<li><a href="/billing/card">Add a card</a>: your first one earns
${countOf(GRANTED_CREDITS.firstPaymentMethod, 'credit')}, and fixes are not blocked when your credits
run out.</li>`
    : null
}
</ol></section>`;

const debtLine = ({ debt }: CustomerHead): Html | null =>
  debt === 0
    ? null
    : html`<p>${counted(debt)} owed: the next credits that you get make up for them first.</p>`;

function planLines({ head, prices, at }: Overview): Html {
  const plan = planAt(head, at);
  const { subscription } = head;
  const { monthCents, credits } = soldPriceOf(prices, 'pro');
  if (plan !== 'pro') {
    return html`<p class="figure">${PLANS[plan].name}</p>
<p>Pro is ${formatUsd(monthCents)} a month, with ${credits} credits,
and ${formatUsd(PLANS.pro.fixCents)} for each fix beyond them.
<a href="/billing/plan">Compare</a></p>`;
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

function nextFix(overview: Overview): Html {
  const { head, at } = overview;
  if (head.balance >= FIX_CREDITS) return html`<p class="figure">1 credit</p><p>Nothing is charged.</p>`;
  const [obstacle] = nextObstacles(overview);
  if (obstacle !== undefined) return html`<p class="figure">Blocked</p><p>${OBSTACLES[obstacle]}</p>`;
  return html`<p class="figure">${formatUsd(fixPriceAt(head, at))}</p>
<p>No credits are left, so your card is charged the price of your plan.</p>`;
}
