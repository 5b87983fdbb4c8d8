import { waitingBill } from '../../../domain/payments/waiting-fixes.ts';
import { type Html, html } from '../../../html.ts';
import type { Overview } from '../../../operations/statement/read-overview.ts';
import { amountOf, counted, countOf } from '../parts.ts';

/** Merged fixes that could not be billed, with what billing them costs. Null if there are none. */
export function waitingSection(overview: Overview): Html | null {
  const { fixes, isPartial } = overview.waiting;
  if (fixes.length === 0) return null;
  const { fromCredits, charged, cents, fixes: billable } = waitingBill(overview, fixes);
  const many = isPartial ? `${counted(fixes.length)} or more fixes` : countOf(fixes.length, 'fix', 'fixes');
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
