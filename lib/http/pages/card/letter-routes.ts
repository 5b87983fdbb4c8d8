import { openLetterLink } from '../../../operations/access/letter-link.ts';
import { readCardSession } from '../../../operations/cards/finish-card-session.ts';
import { askStripe } from '../../../operations/payments/payment-problems.ts';
import type { Deps } from '../../../runtime/deps.ts';
import { paymentDeps } from '../../../runtime/payment-deps.ts';
import { readHead } from '../../../store/heads.ts';
import { LETTER_LINKS } from '../../call-limits.ts';
import { limitRate } from '../../rate-limit.ts';
import type { Reply } from '../../reply.ts';
import { seeOther } from '../page.ts';
import type { PageRequest } from '../page-endpoint.ts';
import { toCheckout } from './card-routes.ts';
import { letterDonePage, letterPage } from './letter.ts';

/* The link of a letter: leads to Stripe's page in two clicks, without signing in. */

/** GET /billing/letter */
export async function showLetter(deps: Deps, { query }: PageRequest): Promise<Reply> {
  const link = query.get('link') ?? '';
  const { purpose } = await openLetterLink(deps, link);
  return letterPage(purpose, link);
}

/** POST /billing/letter */
export async function followLetter(deps: Deps, request: PageRequest): Promise<Reply> {
  const { purpose, customerId, linkId } = await openLetterLink(deps, request.form.get('link') ?? '');
  switch (purpose.kind) {
    case 'add_card': {
      // The link works until the card session that it started has put a card on file.
      const { session } = await readCardSession(paymentDeps(deps), customerId);
      const isDone = session?.linkId === linkId && session.outcome?.kind === 'on_file';
      if (isDone) return letterDonePage(purpose);
      return toCheckout(deps, customerId, request, { page: '/billing/letter', linkId });
    }
    case 'pay_invoice': {
      await limitRate(deps, LETTER_LINKS, customerId);
      const head = await readHead(deps.table, customerId);
      const stripeCustomerId = head?.stripeCustomerId ?? null;
      const stripe = await paymentDeps(deps).stripe();
      const url =
        stripeCustomerId === null
          ? null
          : await askStripe(() => stripe.readInvoicePage(purpose.invoiceId, stripeCustomerId));
      return url === null ? letterDonePage(purpose) : seeOther(url);
    }
    default:
      return purpose satisfies never;
  }
}
