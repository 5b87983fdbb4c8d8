import type { FixAttempt } from '../../../domain/fix-attempt.ts';
import type { Obstacle } from '../../../domain/payments/charge-obstacles.ts';
import type { WaitingBill } from '../../../domain/payments/waiting-fixes.ts';
import { formatUsd } from '../../../domain/pricing.ts';
import { type Html, html, type Part } from '../../../html.ts';
import type { BilledWaiting, WaitingOutcome } from '../../../operations/fixes/bill-waiting.ts';
import type { Reply } from '../../reply.ts';
import { formOf, pageReply, type SignedIn } from '../page.ts';
import { amountOf, type Column, countOf, dayOf, tableOf } from '../parts.ts';

/** The waiting fixes, and what one click would bill of them. */
export interface Waiting {
  /** All waiting fixes that were found. */
  readonly fixes: readonly FixAttempt[];
  /** The customer has more fixes than were searched. */
  readonly isPartial: boolean;
  readonly bill: WaitingBill;
}

/** @param notice why the form that was sent billed nothing */
export function waitingPage({ fixes, isPartial, bill }: Waiting, signedIn: SignedIn, notice?: string): Reply {
  return pageReply({
    title: 'Waiting fixes',
    path: '/billing/card',
    signedIn,
    status: notice === undefined ? 200 : 409,
    content: html`${notice === undefined ? null : html`<p class="fault" role="alert">${notice}</p>`}
${
  fixes.length === 0
    ? NOTHING_WAITS
    : html`${billOffer(fixes, bill, signedIn)}
<section><h2>${countOf(fixes.length, 'fix waits', 'fixes wait')}</h2>
${tableOf('Waiting fixes', COLUMNS, fixes.map(fixRow))}
${isPartial ? html`<p>There may be more: you have many fixes, and not all were searched.</p>` : null}
</section>`
}`,
  });
}

const NOTHING_WAITS = html`<section><p>No fix is waiting. Every merged fix that RSOLV reported is billed,
or its payment is under way.</p>
<p><a href="/billing">Go to your account</a></p></section>`;

const COLUMNS: readonly Column[] = [
  { heading: 'Pull request' },
  { heading: 'Title' },
  { heading: 'Recorded' },
];

const nameOf = ({ githubOrg, repoName, prNumber }: FixAttempt): string =>
  `${githubOrg}/${repoName} #${prNumber}`;

const fixRow = (fix: FixAttempt): Part[] => [nameOf(fix), fix.prTitle, dayOf(fix.createdAt)];

export function billOffer(fixes: readonly FixAttempt[], bill: WaitingBill, signedIn: SignedIn): Html {
  const count = bill.fixes.length;
  return html`<section><h2>Bill them</h2>
${count === 0 ? null : billForm(bill, `Bill ${whichOf(count, fixes.length)}${forOf(bill)}`, signedIn)}
${bill.reasons.slice(0, 1).map((reason) => remedyOf(reason, count))}</section>`;
}

/** "the waiting fix", "the 7 waiting fixes", "5 of the 7 waiting fixes" */
function whichOf(count: number, all: number): string {
  if (count === all) return all === 1 ? 'the waiting fix' : `the ${all} waiting fixes`;
  return `${count} of the ${all} waiting fixes`;
}

function forOf({ charged, cents }: WaitingBill): string {
  return charged === 0 ? ' from credits' : ` for ${formatUsd(cents)}`;
}

/** The form carries the amount on its button, and the card is never charged more. */
function billForm(
  { fixes, fromCredits, charged, cents }: WaitingBill,
  label: string,
  signedIn: SignedIn,
): Html {
  const split =
    fromCredits > 0 && charged > 0
      ? html`<p>${fromCredits} from credits, ${charged} for ${amountOf(cents)}.</p>`
      : null;
  return html`${split}${formOf(
    signedIn,
    '/billing/card/waiting',
    html`<input type="hidden" name="fixes" value="${fixes.map(({ id }) => id).join(',')}">
<input type="hidden" name="cents" value="${cents}">
<p><button>${label}</button></p>`,
  )}`;
}

const REMEDIES: Readonly<Record<Obstacle, Html>> = {
  no_billing_info: html`no card is on file. <a href="/billing/card">Add a card</a>`,
  account_disputed: html`no card is charged while a payment is disputed with your bank.
<a href="/billing/documents">See the dispute</a>`,
  spending_limit_reached: html`the month's spending limit leaves no room.
<a href="/billing/settings#limit">Raise the limit</a>`,
  card_declined: html`your card was declined too often. <a href="/billing/card">Add another card</a>`,
};

const remedyOf = (reason: Obstacle, billable: number): Html =>
  html`<p>${billable === 0 ? 'They' : 'The others'} cannot be billed now: ${REMEDIES[reason]}.</p>`;

/** The results of a click, and the form for the fixes that are left. */
export function billedPage({ results, left }: BilledWaiting, next: Waiting, signedIn: SignedIn): Reply {
  const billed = results.filter(({ outcome }) => outcome.kind === 'billed').length;
  const rows = results.map(({ fix, outcome }): Part[] => [nameOf(fix), ...outcomeOf(fix, outcome)]);
  return pageReply({
    title: 'Waiting fixes',
    path: '/billing/card',
    signedIn,
    content: html`<p class="done" role="status">${countOf(billed, 'fix', 'fixes')} billed.</p>
<section><h2>Results</h2>${tableOf('Results', RESULTS, rows)}</section>
${left.length === 0 && next.fixes.length === 0 ? NOTHING_WAITS : billOffer(next.fixes, next.bill, signedIn)}
<p><a href="/billing/card/waiting">See all waiting fixes</a></p>`,
  });
}

const RESULTS: readonly Column[] = [
  { heading: 'Pull request' },
  { heading: 'Result' },
  { heading: 'Charged', isNumber: true },
];

function outcomeOf(fix: FixAttempt, outcome: WaitingOutcome): readonly [Part, Part] {
  switch (outcome.kind) {
    case 'billed': {
      const { outcome: how, amountCents } = outcome.billed;
      const isCharge = how === 'charged_and_consumed';
      const means = isCharge ? 'to your card' : 'with a credit';
      const billed = `${outcome.already ? 'Already billed' : 'Billed'} ${means}`;
      return [billed, isCharge ? amountOf(amountCents) : null];
    }
    case 'action_required':
      return [
        html`Your bank asks you to approve the payment.
<a href="/billing/approve?fix=${encodeURIComponent(fix.id)}">Approve it</a>`,
        null,
      ];
    case 'declined':
    case 'not_tried':
      return [html`Your card was declined. <a href="/billing/card">Add another card</a>`, null];
    case 'blocked':
      return [html`Not billed: ${REMEDIES[outcome.code]}`, null];
    case 'costs_more':
      return ['Not billed: it would cost more than the amount that you agreed to', null];
    case 'pending':
      return ['The outcome of the payment is not known yet. No fix is charged twice', null];
    default:
      return outcome satisfies never;
  }
}
