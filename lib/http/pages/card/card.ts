import { type CardDetails, expiryAt } from '../../../domain/cards/card-details.ts';
import type { CustomerHead } from '../../../domain/customer.ts';
import { BILLING_CONSENT } from '../../../domain/evidence/billing-consent.ts';
import { GRANTED_CREDITS } from '../../../domain/pricing.ts';
import { type Html, html } from '../../../html.ts';
import { lookUp } from '../../../look-up.ts';
import type { Reply } from '../../reply.ts';
import { formOf, pageReply, type SignedIn } from '../page.ts';
import { countOf, factsOf } from '../parts.ts';

const BRANDS: Readonly<Record<string, string>> = {
  amex: 'American Express',
  diners: 'Diners Club',
  discover: 'Discover',
  jcb: 'JCB',
  mastercard: 'Mastercard',
  unionpay: 'UnionPay',
  visa: 'Visa',
};

export const cardName = ({ brand, last4 }: CardDetails): string =>
  `${lookUp(BRANDS, brand) ?? 'Card'}, ends in ${last4}`;

/** Shows the card on file, or why to add one. */
export function cardPage(head: CustomerHead, card: CardDetails | null, formToken: string, at: Date): Reply {
  const signedIn = { name: head.name, formToken };
  return pageReply({
    title: 'Card',
    path: '/billing/card',
    signedIn,
    content: html`${card === null ? noCard(signedIn) : onFile(card, signedIn, at)}
<section><h2>Waiting fixes</h2>
<p>A merged fix waits if it could not be billed. Nothing is billed without your click.</p>
<p><a href="/billing/card/waiting">See which fixes wait, and what they cost</a></p></section>
${head.stripeCustomerId === null ? null : portal(signedIn)}`,
  });
}

function onFile(card: CardDetails, signedIn: SignedIn, at: Date): Html {
  const month = `${String(card.expMonth).padStart(2, '0')}/${card.expYear}`;
  const expiry = expiryAt(card, at);
  return html`<section><h2>On file</h2>
${factsOf([
  ['Card', cardName(card)],
  ['Expires', html`${month}${EXPIRY[expiry]}`],
])}
<p>It pays for Pro, and for merged fixes when no credits are left. ${AT_STRIPE}</p>
${formOf(signedIn, '/billing/card', html`<p><button>Replace the card</button></p>`)}
<p><a href="/billing/card/remove">Remove the card</a></p>
</section>`;
}

const EXPIRY: Readonly<Record<ReturnType<typeof expiryAt>, Html | null>> = {
  valid: null,
  soon: html` <strong class="fault">expires soon</strong>`,
  expired: html` <strong class="fault">has expired</strong>`,
};

const AT_STRIPE = 'You enter the card on a page of Stripe. Its number never reaches us.';

const noCard = (signedIn: SignedIn): Html => html`<section><h2>No card on file</h2>
<p>Without a card, fixes are blocked when no credits are left. Your first card earns
${countOf(GRANTED_CREDITS.firstPaymentMethod, 'credit')}.</p>
<p>${AT_STRIPE} ${BILLING_CONSENT.text}</p>
${formOf(signedIn, '/billing/card', html`<p><button>Add a card</button></p>`)}
</section>`;

const portal = (signedIn: SignedIn): Html => html`<section><h2>Invoices and address</h2>
<p>Stripe's portal shows your invoices. You can change the address and tax ID of future ones there.</p>
${formOf(signedIn, '/billing/portal', html`<p><button class="plain">Open Stripe's portal</button></p>`)}
</section>`;

/** Asks for confirmation before the card is removed. */
export const removePage = (
  head: CustomerHead,
  card: CardDetails | null,
  formToken: string,
  problem?: string,
): Reply =>
  pageReply({
    status: problem === undefined ? 200 : 422,
    title: 'Remove the card',
    path: '/billing/card',
    signedIn: { name: head.name, formToken },
    content:
      card === null
        ? html`<section><p>No card is on file. <a href="/billing/card">Go to your card</a></p></section>`
        : html`${problem === undefined ? null : html`<p class="fault" role="alert">${problem}</p>`}<section>
<p>The card (${cardName(card)}) is removed here and at Stripe. Your credits stay. When they are used up,
fixes are blocked until you add a card again.</p>
${formOf(
  { name: head.name, formToken },
  '/billing/card/remove',
  html`<p><button class="danger">Remove the card</button></p>`,
)}
<p><a href="/billing/card">Keep the card</a></p></section>`,
  });
