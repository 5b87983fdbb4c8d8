import type { CustomerHead } from '../../../domain/customer.ts';
import { accountObstacles } from '../../../domain/payments/charge-obstacles.ts';
import { FIX_PRICE_CENTS, PLANS, type SoldPrices, soldPriceOf } from '../../../domain/plans.ts';
import { formatUsd } from '../../../domain/pricing.ts';
import { fixPriceAt, givesPro, planAt, type Subscription } from '../../../domain/subscription.ts';
import { type Html, html, type Part } from '../../../html.ts';
import { lookUp } from '../../../look-up.ts';
import type { ProOrder } from '../../../store/orders.ts';
import type { Reply } from '../../reply.ts';
import { formOf, pageReply, type SignedIn } from '../page.ts';
import { amountOf, counted, countOf, dayOf, doneNote, factsOf, timeOf } from '../parts.ts';

/** What the page shows besides the head. */
export interface PlanFacts {
  readonly order: ProOrder | null;
  readonly prices: SoldPrices;
  /** When the order ends if the payment is not approved before. */
  readonly approvalEnds: Date | null;
  /** What paying the open renewal costs, in US cents. Null if none is open, or Stripe does not answer. */
  readonly renewalCents: number | null;
}

/** What a form did, or why it did nothing. */
export interface Outcome {
  /** A key of `DONE`, from the query. */
  readonly done?: string | null;
  readonly problem?: Part;
  /** Stripe's page of an open invoice. */
  readonly invoiceUrl?: string | null;
}

export function planPage(
  head: CustomerHead,
  facts: PlanFacts,
  signedIn: SignedIn,
  at: Date,
  outcome: Outcome = {},
): Reply {
  const { problem, invoiceUrl = null } = outcome;
  const said = problem === undefined ? noteOf(outcome.done ?? null, head, at) : undefined;
  return pageReply({
    title: 'Plan',
    path: '/billing/plan',
    status: problem === undefined ? 200 : 422,
    signedIn,
    content: html`${doneNote(said)}${
      problem === undefined
        ? null
        : html`<section class="problem"><h2>This did not work</h2><p>${problem}</p>
${invoiceUrl === null ? null : html`<p><a href="${invoiceUrl}">Pay the invoice on Stripe's page</a></p>`}
</section>`
    }
<section><h2>Your plan</h2>${factsOf(planFacts(head, at))}</section>
${choices(head, facts, signedIn, at)}
<p><a href="/billing/approve">Payments that wait for your approval</a></p>`,
  });
}

const isPro = (head: CustomerHead, at: Date): boolean => planAt(head, at) === 'pro';
const running = ({ subscription }: CustomerHead): Subscription | null =>
  subscription !== null && givesPro(subscription.state) ? subscription : null;

/** Each note is shown only if it is true now, because anyone can make up the query. */
const DONE: Readonly<
  Record<string, { readonly text: string; readonly isTrue: (head: CustomerHead, at: Date) => boolean }>
> = {
  subscribed: { text: 'You are on Pro.', isTrue: isPro },
  cancelled: {
    text: 'Pro is cancelled. It ends with the paid period.',
    isTrue: (head) => running(head)?.cancelAtPeriodEnd === true,
  },
  ended: { text: 'Pro has ended. Your credits stay.', isTrue: (head) => running(head) === null },
  resumed: {
    text: 'Pro continues. The cancellation is withdrawn.',
    isTrue: (head) => running(head)?.cancelAtPeriodEnd === false,
  },
  paid: { text: 'The renewal is paid.', isTrue: (head) => running(head)?.state === 'active' },
};

function noteOf(done: string | null, head: CustomerHead, at: Date): string | undefined {
  const note = lookUp(DONE, done ?? '');
  return note?.isTrue(head, at) ? note.text : undefined;
}

function planFacts(head: CustomerHead, at: Date): (readonly [string, Part])[] {
  const subscription = running(head);
  const { coveredUntil = null, cancelAtPeriodEnd = false } = subscription ?? {};
  return [
    ['Plan', PLANS[planAt(head, at)].name],
    ['Credits', counted(head.balance)],
    ['A fix without credits', amountOf(fixPriceAt(head, at))],
    ...(subscription === null ? [] : [['State', stateOf(subscription)] as const]),
    ...(coveredUntil === null ? [] : [['Paid until', dayOf(coveredUntil)] as const]),
    ...(cancelAtPeriodEnd && subscription !== null ? [['Ends on', lastDayOf(subscription)] as const] : []),
  ];
}

function stateOf({ state, cancelAtPeriodEnd }: Subscription): string {
  if (state === 'past_due') return 'The newest payment failed';
  return cancelAtPeriodEnd ? 'Cancelled' : 'Renews every month';
}

const lastDayOf = ({ currentPeriodEnd, coveredUntil }: Subscription): Part => {
  const end = currentPeriodEnd ?? coveredUntil;
  return end === null ? 'the end of its period' : dayOf(end);
};

/** The changes of plan that are possible now. */
function choices(head: CustomerHead, facts: PlanFacts, signedIn: SignedIn, at: Date): Part {
  const subscription = running(head);
  if (subscription === null) return html`<section><h2>Pro</h2>${offer(head, facts, signedIn)}</section>`;
  const goesOn = !subscription.cancelAtPeriodEnd;
  return html`${subscription.state === 'past_due' && goesOn ? overdue(head, facts, signedIn, at) : null}
<section><h2>${goesOn ? 'Cancel Pro' : 'Keep Pro'}</h2>
${
  goesOn
    ? html`<p>Your credits stay. Time already paid is not refunded.</p>
<p><a href="/billing/plan/cancel?when=period_end">Cancel at the end of the period</a></p>`
    : html`<p>Pro ends on ${lastDayOf(subscription)}. You can withdraw the cancellation until then.</p>
${formOf(signedIn, '/billing/plan/resume', html`<button>Keep Pro</button>`)}`
}</section>
<section><h2>End Pro now</h2>
<p>Without waiting for the end of the period, and without a refund for it.</p>
<p><a href="/billing/plan/cancel?when=now">Cancel now</a></p></section>`;
}

function overdue(
  { subscription }: CustomerHead,
  { renewalCents }: PlanFacts,
  signedIn: SignedIn,
  at: Date,
): Html {
  const until = subscription?.coveredUntil ?? null;
  const isOver = until !== null && Date.parse(until) <= at.getTime();
  const ended = isOver ? html`The paid period ended on ${dayOf(until)}.` : null;
  return html`<section class="problem"><h2>Pay the renewal</h2>
<p>The newest payment for Pro failed. ${ended}</p>
${howToPay(subscription, renewalCents, signedIn)}</section>`;
}

function howToPay(subscription: Subscription | null, cents: number | null, signedIn: SignedIn): Html {
  if (subscription?.collects === false) return NOT_COLLECTED;
  return cents === null ? NO_AMOUNT : payForm(cents, signedIn);
}

const INSTEAD = html`<a href="/billing/plan/cancel?when=now">cancel Pro now</a> and subscribe again, or ask
support`;
const NOT_COLLECTED = html`<p>No card is charged for this subscription just now.
To go on with Pro, ${INSTEAD}.</p>`;
const NO_AMOUNT = html`<p>Stripe names no open invoice just now. If you have just paid it, all is well.
Otherwise, open this page again in a few minutes. If there is still none, ${INSTEAD}.</p>`;

/** The form carries the amount on its button, and the card is never charged more. */
const payForm = (cents: number, signedIn: SignedIn): Html =>
  html`<p>Pay it with the card on file, or <a href="/billing/card">use another card</a>. A new card pays it
at once.</p>
${formOf(
  signedIn,
  '/billing/plan/pay-renewal',
  html`<input type="hidden" name="cents" value="${cents}"><button>Pay ${formatUsd(cents)}</button>`,
)}`;

function offer(head: CustomerHead, { order, prices, approvalEnds }: PlanFacts, signedIn: SignedIn): Html {
  const { monthCents, credits } = soldPriceOf(prices, 'pro');
  const subscribe = (label: string) =>
    formOf(
      signedIn,
      '/billing/plan/subscribe',
      html`<input type="hidden" name="cents" value="${monthCents}"><button>${label}</button>`,
    );
  if (order?.state === 'awaiting_approval') {
    return html`<p>Your bank asks you to approve the first payment for Pro.
Nothing is charged before that.</p>
${approvalEnds === null ? null : html`<p>The order ends at ${timeOf(approvalEnds.toISOString())}.</p>`}
${subscribe('Continue to your bank')}`;
  }
  if (order?.state === 'ordering') {
    return html`<p>Your order is being processed. Load this page again in a minute.</p>
${subscribe('Continue')}`;
  }
  const terms = html`<p>${amountOf(monthCents)} a month, until you cancel.
Each month brings ${countOf(credits, 'credit')};
a fix beyond them costs ${amountOf(FIX_PRICE_CENTS.pro)}.</p>`;
  const [obstacle] = accountObstacles(head);
  switch (obstacle) {
    case 'no_billing_info':
      return html`${terms}<p><a href="/billing/card">Add a card</a> first: Pro is paid by card.</p>`;
    case 'account_disputed':
      return html`${terms}<p>No card is charged while a payment is disputed with your bank.</p>`;
    case undefined:
      return html`${terms}<p>The first month is charged to your card now.
Your bank may ask you to approve it.</p>
${subscribe(`Subscribe for ${formatUsd(monthCents)} a month`)}`;
    default:
      return obstacle satisfies never;
  }
}

export type CancelWhen = 'now' | 'period_end';
export const cancelWhenOf = (sent: string | null): CancelWhen => (sent === 'now' ? 'now' : 'period_end');

/** Says what cancelling means, and asks for confirmation. */
export function cancelPage(head: CustomerHead, when: CancelWhen, signedIn: SignedIn, at: Date): Reply {
  const subscription = running(head);
  const credits = countOf(head.balance, 'credit');
  const after = amountOf(FIX_PRICE_CENTS.pay_as_you_go);
  const field = html`<input type="hidden" name="when" value="${when}">`;
  const label = when === 'now' ? 'Cancel Pro now' : 'Cancel at the end of the period';
  const meaning =
    subscription === null
      ? html`<p>There is no subscription to cancel.</p>`
      : html`${
          when === 'now'
            ? html`<p>Pro ends today, ${dayOf(at.toISOString())}.
There is no refund for the rest of the period.</p>
<p>Your ${credits} stay. From now on a fix without credits costs ${after}.</p>`
            : html`<p>Pro ends on ${lastDayOf(subscription)}, and is not renewed. There is no refund.</p>
<p>Until then a fix without credits costs ${amountOf(fixPriceAt(head, at))}, afterwards ${after}.
Your ${credits} stay.</p>`
        }
${formOf(signedIn, '/billing/plan/cancel', html`${field}<button class="danger">${label}</button>`)}`;
  return pageReply({
    title: 'Cancel Pro',
    path: '/billing/plan',
    signedIn,
    content: html`<section><h2>What this means</h2>${meaning}</section>
<p><a href="/billing/plan">Back to the plan</a></p>`,
  });
}
