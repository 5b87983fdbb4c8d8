import { formatUsd } from '../../../domain/pricing.ts';
import { accountWarnings, type WarningCode } from '../../../domain/warnings.ts';
import { type Html, html } from '../../../html.ts';
import type { OpenDispute, Overview } from '../../../operations/statement/read-overview.ts';

interface Place {
  readonly path: `/billing/${string}`;
  readonly label: string;
}

/** The page that resolves each warning. */
const PLACES: Readonly<Record<WarningCode, Place>> = {
  no_credits_no_card: { path: '/billing/card', label: 'Add a card' },
  no_credits: { path: '/billing/plan', label: 'See the plans' },
  low_credits: { path: '/billing/plan', label: 'See the plans' },
  past_due: { path: '/billing/plan', label: 'Pay the open invoice' },
  not_collected: { path: '/billing/plan', label: 'See your plan' },
  free_period: { path: '/billing/plan', label: 'See your plan' },
  account_disputed: { path: '/billing/documents', label: 'See the payments' },
  spending_limit_reached: { path: '/billing/settings#limit', label: 'Change the limit' },
  card_declined: { path: '/billing/card', label: 'Replace the card' },
  credits_owed: { path: '/billing/statement', label: 'See the statement' },
};

/**
 * The warnings of the account, each with a link to the page that resolves it. Null if there are none.
 * @param isNew leaves out the warning of few credits, which is premature before the first fix
 */
export function attention(overview: Overview, isNew: boolean): Html | null {
  const { head, cards, spending, disputes, at } = overview;
  const all = accountWarnings(head, cards, spending, at);
  const warnings = all.filter(({ code }) => !isNew || code !== 'low_credits');
  if (warnings.length === 0) return null;
  const lines = warnings.map(({ code, message }) => {
    const { path, label } = PLACES[code];
    const more = code === 'account_disputed' ? disputes.map(disputeLine) : null;
    return html`<li>${message}${more} <a href="${path}">${label}</a></li>\n`;
  });
  return html`<section class="problem"><h2>Needs attention</h2><ul class="plain">${lines}</ul></section>`;
}

const disputeLine = ({ amountCents }: OpenDispute): string =>
  amountCents === null ? '' : ` Disputed: ${formatUsd(amountCents)}.`;
