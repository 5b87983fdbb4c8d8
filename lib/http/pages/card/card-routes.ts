import type { CardDetails } from '../../../domain/cards/card-details.ts';
import type { CustomerHead } from '../../../domain/customer.ts';
import { finishReturnedSession } from '../../../operations/cards/finish-card-session.ts';
import { type RemovedCard, removeCard } from '../../../operations/cards/remove-card.ts';
import { startCardSession } from '../../../operations/cards/start-card-session.ts';
import { requireHead } from '../../../operations/ledger/require-item.ts';
import { askStripe } from '../../../operations/payments/payment-problems.ts';
import type { Deps } from '../../../runtime/deps.ts';
import { paymentDeps } from '../../../runtime/payment-deps.ts';
import { parseApiUrl } from '../../../settings/mail.ts';
import { CARD_CALLS, CARD_RETURNS, STRIPE_PAGES } from '../../call-limits.ts';
import { limitRate } from '../../rate-limit.ts';
import type { Reply } from '../../reply.ts';
import { seeOther } from '../page.ts';
import type { PageRequest, SessionRequest, SignedInVisitor } from '../page-endpoint.ts';
import { cardPage, removePage } from './card.ts';
import { cardReturnedPage } from './returned.ts';
import { waitingOf } from './waiting-routes.ts';

/* The routes of the card page. Those for a signed-in customer read the head together with the session. */

/** GET /billing/card */
export async function showCard(deps: Deps, request: SessionRequest): Promise<Reply> {
  const head = headOf(request);
  return cardPage(head, await cardOf(deps, head), request.formToken, request.at);
}

/** POST /billing/card */
export async function addCard(deps: Deps, { customerId, ...source }: SessionRequest): Promise<Reply> {
  return toCheckout(deps, customerId, source, { page: '/billing/card', linkId: null });
}

/** Sends the browser to Stripe's page, or to the outcome if the cardholder has already finished there. */
export async function toCheckout(
  deps: Deps,
  customerId: string,
  { sourceIp, userAgent }: Pick<PageRequest, 'sourceIp' | 'userAgent'>,
  from: { readonly page: string; readonly linkId: string | null },
): Promise<Reply> {
  await limitRate(deps, CARD_CALLS, customerId);
  const click = { sourceIp, userAgent, ...from };
  const started = await startCardSession(paymentDeps(deps), customerId, click, parseApiUrl(process.env));
  return started.kind === 'opened'
    ? seeOther(started.url)
    : seeOther(`/billing/card/return?session=${started.sessionId}`);
}

const SESSION_ID = /^cs_\w{1,200}$/;

/** GET /billing/card/return */
export async function showReturn(
  deps: Deps,
  { query, sourceIp }: PageRequest,
  visitor: SignedInVisitor | null,
): Promise<Reply> {
  const sessionId = query.get('session') ?? '';
  if (!SESSION_ID.test(sessionId)) return cardReturnedPage({ kind: 'none' });
  await limitRate(deps, CARD_RETURNS, sourceIp);
  const finished = await finishReturnedSession(paymentDeps(deps), sessionId);
  if (visitor === null || visitor.customerId !== finished.customerId) return cardReturnedPage(finished);
  return cardReturnedPage(finished, await waitingOf(deps, visitor));
}

/** GET /billing/card/remove */
export async function askToRemove(deps: Deps, request: SessionRequest): Promise<Reply> {
  const head = headOf(request);
  return removePage(head, await cardOf(deps, head), request.formToken);
}

/** POST /billing/card/remove */
export async function remove(deps: Deps, request: SessionRequest): Promise<Reply> {
  await limitRate(deps, CARD_CALLS, request.customerId);
  const removed = await removeCard(paymentDeps(deps), request.customerId);
  const problem = REFUSALS[removed];
  if (problem === null) return seeOther('/billing/card');
  const head = headOf(request);
  return removePage(head, await cardOf(deps, head), request.formToken, problem);
}

const REFUSALS: Readonly<Record<RemovedCard, string | null>> = {
  removed: null,
  none: null,
  pro: 'The card pays for Pro. Cancel Pro first, or replace the card.',
  busy: 'A payment with this card has no outcome yet. Try again in a few minutes.',
};

/** POST /billing/portal */
export async function toPortal(deps: Deps, request: SessionRequest): Promise<Reply> {
  const { stripeCustomerId } = headOf(request);
  if (stripeCustomerId === null) return seeOther('/billing/card');
  await limitRate(deps, CARD_CALLS, request.customerId);
  const stripe = await paymentDeps(deps).stripe();
  const back = `${parseApiUrl(process.env)}/billing/card`;
  return seeOther(await askStripe(() => stripe.openPortal(stripeCustomerId, back)));
}

const headOf = ({ items: [head], customerId }: SessionRequest): CustomerHead => requireHead(head, customerId);

async function cardOf(
  deps: Deps,
  { customerId, stripeCustomerId }: CustomerHead,
): Promise<CardDetails | null> {
  if (stripeCustomerId === null) return null;
  await limitRate(deps, STRIPE_PAGES, customerId);
  return askStripe(async () => (await paymentDeps(deps).stripe()).readCardDetails(stripeCustomerId));
}
