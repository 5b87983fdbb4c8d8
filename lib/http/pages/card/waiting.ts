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
  /** The waiting fixes that this search found. */
  readonly fixes: readonly FixAttempt[];
  /** The fix after which this search began. Null if it began with the first. */
  readonly after: string | null;
  /** The fix after which the next search begins. Null if all fixes were searched. */
  readonly next: string | null;
  readonly bill: WaitingBill;
}

/** @param notice why the form that was sent billed nothing */
export function waitingPage(waiting: Waiting, signedIn: SignedIn, notice?: string): Reply {
  const { fixes } = waiting;
  return pageReply({
    title: 'Waiting fixes',
    path: '/billing/card',
    signedIn,
    status: notice === undefined ? 200 : 409,
    content: html`${notice === undefined ? null : html`<p class="fault" role="alert">${notice}</p>`}
${
  fixes.length === 0
    ? nothingWaits(waiting)
    : html`${billOffer(waiting, signedIn)}
<section><h2>${countOf(fixes.length, 'fix waits', 'fixes wait')}</h2>
${tableOf('Waiting fixes', COLUMNS, fixes.map(fixRow))}
</section>`
}${searchLink(waiting)}`,
  });
}

const nothingWaits = ({ after, next }: Waiting): Html =>
  after === null && next === null
    ? html`<section><p>No fix is waiting. Every merged fix that RSOLV reported is billed, or its payment is
under way.</p>
<p><a href="/billing">Go to your account</a></p></section>`
    : html`<section><p>No waiting fix was found in this part of your fixes.</p></section>`;

/** Very many fixes are searched in parts. */
const searchLink = ({ next }: Waiting): Html | null =>
  next === null
    ? null
    : html`<p>You have very many fixes, and not all were searched yet.
<a href="/billing/card/waiting?after=${next}">Search the next part</a></p>`;

const COLUMNS: readonly Column[] = [
  { heading: 'Pull request' },
  { heading: 'Title' },
  { heading: 'Recorded' },
];

const nameOf = ({ githubOrg, repoName, prNumber }: FixAttempt): string =>
  `${githubOrg}/${repoName} #${prNumber}`;

const fixRow = (fix: FixAttempt): Part[] => [nameOf(fix), fix.prTitle, dayOf(fix.createdAt)];

export function billOffer({ fixes, bill, after }: Waiting, signedIn: SignedIn): Html {
  const count = bill.fixes.length;
  return html`<section><h2>Bill them</h2>
${count === 0 ? null : billForm(bill, `Bill ${whichOf(count, fixes.length)}${forOf(bill)}`, after, signedIn)}
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
  after: string | null,
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
<input type="hidden" name="after" value="${after ?? ''}">
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
${left.length === 0 && next.fixes.length === 0 ? nothingWaits(next) : billOffer(next, signedIn)}
${searchLink(next)}<p><a href="/billing/card/waiting">See all waiting fixes</a></p>`,
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
