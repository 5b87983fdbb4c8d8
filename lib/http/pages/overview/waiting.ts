import { waitingBill } from '../../../domain/payments/waiting-fixes.ts';
import { type Html, html } from '../../../html.ts';
import type { Overview } from '../../../operations/statement/read-overview.ts';
import { amountOf, counted, countOf } from '../parts.ts';

/**
 * Merged fixes that could not be billed, with what billing them costs. Null if there are none. Of very many
 * fixes only the first are searched here.
 */
export function waitingSection(overview: Overview): Html | null {
  const { fixes, next } = overview.waiting;
  if (fixes.length === 0) return next === null ? null : NOT_ALL_SEARCHED;
  const { fromCredits, charged, cents, fixes: billable } = waitingBill(overview, fixes);
  const many =
    next !== null ? `${counted(fixes.length)} or more fixes` : countOf(fixes.length, 'fix', 'fixes');
  const cost =
    billable.length === 0
      ? html`None of them can be billed now.`
      : html`${countOf(billable.length, 'fix', 'fixes')} can be billed now:
${counted(fromCredits)} from credits, ${counted(charged)} for ${amountOf(cents)}.
Nothing is billed without your click.`;
  return html`<section class="problem"><h2>Waiting fixes</h2>
<p>${many} merged and not billed. ${cost}</p>
<p><a href="/billing/card/waiting">See the waiting fixes</a></p></section>`;
}

const NOT_ALL_SEARCHED = html`<section><h2>Waiting fixes</h2>
<p>You have very many fixes, and this page searches only the first of them.
<a href="/billing/card/waiting">Search all of them</a></p></section>`;
