import { type Exposure, exposureOf } from '../../../domain/payments/exposure.ts';
import {
  monthOf,
  nextMonthStart,
  reservedCents,
  roomCents,
  type Spending,
} from '../../../domain/payments/spending.ts';
import { type Html, html, type Part } from '../../../html.ts';
import type { Overview } from '../../../operations/statement/read-overview.ts';
import { WHY } from '../../views/merge-cost.ts';
import { amountOf, type Column, counted, countOf, dayOf, factsOf, tableOf } from '../parts.ts';
import { monthName } from '../statement/month-name.ts';

/* Money on the overview: what merging would cost, the limit, and what was charged. */

type Facts = readonly (readonly [name: string, value: Part])[];

/** What merging every open fix would cost. */
export function exposureSection(overview: Overview): Html {
  const exposure = exposureOf(overview, overview.unbilledFixes);
  const { fixes, isMore, coveredByCredits } = exposure;
  if (fixes === 0) {
    return html`<section><h2>Open fixes</h2>
<p>There are no unbilled fixes from the last 30 days.</p></section>`;
  }
  const charged = fixes - coveredByCredits;
  const facts: Facts = [
    ['Not billed yet', isMore ? `${counted(fixes)} or more` : counted(fixes)],
    ['Paid by your credits', counted(coveredByCredits)],
    [
      'Without a credit',
      html`${isMore ? 'at least ' : null}${counted(charged)} × ${amountOf(exposure.fixPriceCents)}`,
    ],
    ['Merging all costs', html`${isMore ? 'at least ' : null}${amountOf(exposure.costCents)}`],
    ['Your limit leaves', exposure.roomCents === null ? 'no limit is set' : amountOf(exposure.roomCents)],
  ];
  return html`<section><h2>Open fixes</h2>
<p>Fixes of the last 30 days that may still be merged.</p>
${factsOf(facts)}${notNow(exposure, charged)}</section>`;
}

/** Why these fixes could not all be charged now. Null if they could. */
function notNow({ beyondLimit: count, reasons: [reason] }: Exposure, charged: number): Html | null {
  if (charged > 0 && reason !== undefined)
    return html`<p class="after">As of now they would be blocked: ${WHY[reason]}.</p>`;
  if (count === 0) return null;
  return html`<p class="after">The limit leaves no room for ${countOf(count, 'of them', 'of them')}.</p>`;
}

/** This month's limit and what is left of it. */
export function limitSection({ head, spending }: Overview): Html {
  const { spendingLimitCents: limit } = head;
  const room = roomCents(limit, spending);
  const facts: Facts = [
    ['Limit', limit === null ? 'none' : amountOf(limit)],
    ['Charged', amountOf(spending.spentCents)],
    [
      'Reserved',
      html`${amountOf(reservedCents(spending))}${
        spending.awaitingCents === 0
          ? null
          : html`, of which ${amountOf(spending.awaitingCents)} awaits your approval`
      }`,
    ],
    ...(room === null ? [] : [['Left', amountOf(room)] as const]),
    ['Starts again', dayOf(nextMonthStart(spending.month))],
  ];
  return html`<section><h2>Spending limit</h2>
<p>For fixes charged to your card in ${monthName(spending.month)}. Pro itself does not count.</p>
${factsOf(facts)}
<p class="after"><a href="/billing/settings#limit">${limit === null ? 'Set' : 'Change'} the limit</a></p>
</section>`;
}

const MONTHS: readonly Column[] = [{ heading: 'Month' }, { heading: 'Charged for fixes', isNumber: true }];

/** What the card was charged for fixes, by month, without the months before the account was opened. */
export function monthsSection({ head, months }: Overview): Html {
  const opened = monthOf(new Date(head.createdAt));
  const shown = months.filter(({ month }) => month >= opened);
  const most = Math.max(...shown.map(({ spentCents }) => spentCents));
  const span = shown.length < months.length ? '' : ` in the last ${months.length} months`;
  const table = () =>
    tableOf(
      'Spending by month',
      MONTHS,
      shown.map((one) => monthRow(one, most)),
    );
  return html`<section><h2>Spending by month</h2>
${most <= 0 ? html`<p>No fix was charged to your card${span}.</p>` : table()}
<p class="soft after"><small>For fixes without a credit.
Pro is listed under <a href="/billing/documents">Invoices</a>.</small></p></section>`;
}

function monthRow({ month, spentCents }: Spending, most: number): Part[] {
  const percent = Math.round((Math.max(0, spentCents) / most) * 1_000) / 10;
  return [
    html`<a class="amount" href="/billing/statement?month=${month}">${monthName(month)}</a>`,
    html`<span class="bar"><svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
<rect width="${percent}" height="1"/></svg>${amountOf(spentCents)}</span>`,
  ];
}
