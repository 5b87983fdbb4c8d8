import { type Html, html } from '../../../html.ts';
import type { FinishedSession } from '../../../operations/cards/finish-card-session.ts';
import type { Reply } from '../../reply.ts';
import { pageReply, type SignedIn } from '../page.ts';
import { countOf } from '../parts.ts';
import { billOffer, type Waiting } from './waiting.ts';

/**
 * The outcome of a card session. Anyone can open this page, so it shows nothing else about the account unless
 * `own` is given.
 */
export function cardReturnedPage(finished: FinishedSession, own?: OwnWaiting): Reply {
  const { title, text } = wordsOf(finished);
  const isWaiting = own !== undefined && own.waiting.fixes.length > 0;
  return pageReply({
    title,
    ...(own !== undefined && { signedIn: own.signedIn, path: '/billing/card' as const }),
    content: html`<section>${text}
${
  own === undefined
    ? html`<p><a href="/billing/card/waiting">See whether fixes wait to be billed</a></p>`
    : null
}
<p><a href="/billing">Go to your account</a></p></section>
${isWaiting ? billOffer(own.waiting, own.signedIn) : null}`,
  });
}

/** The waiting fixes, if the signed-in customer is the one who added the card. */
interface OwnWaiting {
  readonly waiting: Waiting;
  readonly signedIn: SignedIn;
}

interface Words {
  readonly title: string;
  readonly text: Html;
}

function wordsOf(finished: FinishedSession): Words {
  switch (finished.kind) {
    case 'on_file': {
      const { bonusCredits, renewal } = finished;
      const bonus =
        bonusCredits === 0
          ? null
          : html`<p>${countOf(bonusCredits, 'credit was', 'credits were')} added.</p>`;
      return {
        title: 'Your card is on file',
        text: html`<p role="status">It pays for Pro, and for merged fixes when no credits are left.</p>
${bonus}${RENEWALS[renewal]}`,
      };
    }
    case 'superseded':
      return {
        title: 'Another card is on file',
        text: html`<p>A card that was added later is on file, and stays.
To replace it, add a card again.</p>`,
      };
    case 'closed':
      return {
        title: 'This account is closed',
        text: html`<p>The card was not put on file, and was removed at Stripe. Nothing was charged.</p>`,
      };
    case 'refused':
      return {
        title: 'The card was not accepted',
        text: html`<p>Nothing was charged. <a href="/billing/card">Add another card</a></p>`,
      };
    case 'open':
      return {
        title: 'No card was added yet',
        text: html`<p>The card was not confirmed at Stripe. <a href="/billing/card">Try again</a></p>`,
      };
    case 'expired':
    case 'none':
      return {
        title: 'This page is out of date',
        text: html`<p>Nothing was changed. <a href="/billing/card">See your card</a></p>`,
      };
    default:
      return finished satisfies never;
  }
}

const RENEWALS = {
  none: null,
  paid: html`<p>It paid your open invoice for Pro.</p>`,
  declined: html`<p class="fault">It was declined for your open invoice for Pro.
<a href="/billing/plan">See your plan</a></p>`,
  needs_approval: html`<p class="fault">Your bank asks you to approve the payment of your open invoice
for Pro.
<a href="/billing/plan">Approve it</a></p>`,
} as const;
