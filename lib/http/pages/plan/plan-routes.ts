import type { CustomerHead } from '../../../domain/customer.ts';
import type { FixAttempt } from '../../../domain/fix-attempt.ts';
import { BillingError } from '../../../errors.ts';
import { approveFixPayment } from '../../../operations/fixes/approve-fix.ts';
import { requireFix, requireHead } from '../../../operations/ledger/require-item.ts';
import {
  type Approvable,
  afterApproval,
  readApprovalStep,
} from '../../../operations/plans/after-approval.ts';
import { cancelSubscription, resumeSubscription } from '../../../operations/plans/cancel-subscription.ts';
import { approvalEnds } from '../../../operations/plans/order-on-session.ts';
import {
  hasOpenRenewal,
  openRenewalCents,
  payRenewalInPerson,
} from '../../../operations/plans/pay-renewal-in-person.ts';
import { orderOf } from '../../../operations/plans/settle-order.ts';
import { subscribeToPro } from '../../../operations/plans/subscribe-to-pro.ts';
import type { Deps, PaymentDeps } from '../../../runtime/deps.ts';
import { parseApiUrl } from '../../../settings/mail.ts';
import { parseStripePages } from '../../../settings/stripe-pages.ts';
import { decodeFix, readFixesAwaitingApproval } from '../../../store/fix-attempts.ts';
import { type Key, keys } from '../../../store/keys.ts';
import { readOrder } from '../../../store/orders.ts';
import { decodeSoldPrices, soldPriceKeys } from '../../../store/payments/sold-prices.ts';
import { readOne, readTogether } from '../../../store/table.ts';
import type { NextStep } from '../../../stripe/port/approvals.ts';
import { APPROVAL_RETURNS, STRIPE_PAGES, SUBSCRIPTION_CALLS } from '../../call-limits.ts';
import { limitRate } from '../../rate-limit.ts';
import type { Reply } from '../../reply.ts';
import { agreedCents } from '../agreed-cents.ts';
import { type SignedIn, seeOther } from '../page.ts';
import type { PageRequest, SessionRequest } from '../page-endpoint.ts';
import { approvalReturnedPage, approvalsPage, approvePage, fixIdOf, scriptPage } from './approve-pages.ts';
import { cancelPage, cancelWhenOf, type Outcome, planPage } from './plan-page.ts';

/* The routes of the plan page and of the approval pages. */

/** What the plan page reads together with the session. */
export const planKeys = (customerId: string): readonly Key[] => [
  keys.head(customerId),
  keys.order(customerId),
  ...soldPriceKeys(),
];

const signedInAs = ({ name }: CustomerHead, { formToken }: SessionRequest): SignedIn => ({ name, formToken });

/** GET /billing/plan. Asks Stripe only while a renewal is not paid. */
export const showPlan = (deps: PaymentDeps, request: SessionRequest): Promise<Reply> =>
  planReply(deps, request, request.items, { done: request.query.get('done') });

async function planReply(
  deps: PaymentDeps,
  request: SessionRequest,
  items: SessionRequest['items'],
  outcome: Outcome,
): Promise<Reply> {
  const [stored, ordered, ...sold] = items;
  const head = requireHead(stored, request.customerId);
  const order = orderOf(ordered);
  const ends = order === null ? null : approvalEnds(order.startedAt);
  // The rest of the page is useful without the amount.
  const renewalCents = await shownRenewalCents(deps, head).catch(noAmount);
  const facts = { order, prices: decodeSoldPrices(sold), approvalEnds: ends, renewalCents };
  return planPage(head, facts, signedInAs(head, request), request.at, outcome);
}

async function shownRenewalCents(deps: PaymentDeps, head: CustomerHead): Promise<number | null> {
  if (!hasOpenRenewal(head)) return null;
  await limitRate(deps, STRIPE_PAGES, head.customerId);
  return openRenewalCents(deps, head);
}

function noAmount(error: unknown): null {
  if (error instanceof BillingError) return null;
  throw error;
}

/** The plan page, read again, with the reason why a form did not succeed. */
async function planProblem(deps: PaymentDeps, request: SessionRequest, outcome: Outcome): Promise<Reply> {
  const items = await readTogether(deps.table, planKeys(request.customerId));
  return planReply(deps, request, items, outcome);
}

/** Shows a refusal on the plan page. Other failures have their own page, with the time to wait. */
async function orProblem(
  deps: PaymentDeps,
  request: SessionRequest,
  act: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof BillingError && SHOWN_ON_PAGE.has(error.code))) throw error;
    return planProblem(deps, request, { problem: error.message });
  }
}

const SHOWN_ON_PAGE: ReadonlySet<string> = new Set([
  'no_billing_info',
  'account_disputed',
  'card_declined',
  'authentication_required',
  'subscription_not_found',
  'form_outdated',
]);

const OUTDATED = 'This form is out of date. Nothing was charged.';

/**
 * POST /billing/plan/subscribe: orders Pro for at most the price that the form names, or continues the order
 * that waits for its approval.
 */
export const subscribe = async (deps: PaymentDeps, request: SessionRequest): Promise<Reply> =>
  orProblem(deps, request, async () => {
    const { customerId } = request;
    await limitRate(deps, SUBSCRIPTION_CALLS, customerId);
    const mostCents = agreedCents(request.form);
    if (mostCents === null) return planProblem(deps, request, { problem: OUTDATED });
    const open = await readOrder(deps.table, customerId);
    const present = { returnUrl: returnUrlOf(customerId, null), mostCents };
    const { approval } = await subscribeToPro(deps, customerId, open, 'pro', present);
    return approval === null ? seeOther('/billing/plan?done=subscribed') : toNextStep(approval.next, null);
  });

/** Where the bank sends the cardholder. Anyone can make up this address, so it only says what to read. */
function returnUrlOf(customerId: string, fixId: Approvable): string {
  const query = new URLSearchParams({ customer: customerId, ...(fixId !== null && { fix: fixId }) });
  return `${parseApiUrl(process.env)}/billing/plan/return?${query.toString()}`;
}

const outcomePath = (fixId: Approvable): string =>
  fixId === null
    ? '/billing/plan?done=subscribed'
    : `/billing/approve?${new URLSearchParams({ fix: fixId })}`;

function toNextStep(next: NextStep | null, fixId: Approvable): Reply {
  if (next === null) return seeOther(outcomePath(fixId));
  if (next.kind === 'redirect') return seeOther(next.url);
  const query = fixId === null ? '' : `?${new URLSearchParams({ fix: fixId })}`;
  return seeOther(`/billing/approve/script${query}`);
}

/** GET /billing/plan/cancel */
export const askToCancel = async (_: Deps, request: SessionRequest): Promise<Reply> => {
  const head = requireHead(request.items[0], request.customerId);
  return cancelPage(head, cancelWhenOf(request.query.get('when')), signedInAs(head, request), request.at);
};

/** POST /billing/plan/cancel */
export const cancel = async (deps: PaymentDeps, request: SessionRequest): Promise<Reply> =>
  orProblem(deps, request, async () => {
    const atPeriodEnd = cancelWhenOf(request.form.get('when')) === 'period_end';
    await limitRate(deps, SUBSCRIPTION_CALLS, request.customerId);
    await cancelSubscription(deps, request.customerId, atPeriodEnd);
    return seeOther(`/billing/plan?done=${atPeriodEnd ? 'cancelled' : 'ended'}`);
  });

/** POST /billing/plan/resume */
export const resume = async (deps: PaymentDeps, request: SessionRequest): Promise<Reply> =>
  orProblem(deps, request, async () => {
    await limitRate(deps, SUBSCRIPTION_CALLS, request.customerId);
    await resumeSubscription(deps, request.customerId);
    return seeOther('/billing/plan?done=resumed');
  });

/** POST /billing/plan/pay-renewal: pays at most the amount that the form names. */
export const payOpenRenewal = async (deps: PaymentDeps, request: SessionRequest): Promise<Reply> =>
  orProblem(deps, request, async () => {
    const { customerId } = request;
    await limitRate(deps, SUBSCRIPTION_CALLS, customerId);
    const mostCents = agreedCents(request.form);
    if (mostCents === null) return planProblem(deps, request, { problem: OUTDATED });
    const { problem, invoiceUrl } = await payRenewalInPerson(deps, customerId, mostCents);
    if (problem === null) return seeOther('/billing/plan?done=paid');
    return planProblem(deps, request, { problem, invoiceUrl });
  });

/**
 * GET /billing/plan/return: the bank sends the cardholder here. Needs no session. The address only says which
 * order or fix to read; the outcome comes from Stripe.
 */
export const returnFromBank = async (deps: PaymentDeps, request: PageRequest): Promise<Reply> => {
  const { query, sourceIp, hasSession } = request;
  await limitRate(deps, APPROVAL_RETURNS, sourceIp);
  const customerId = query.get('customer') ?? '';
  const fixId = fixIdOf(query);
  if (/^[0-9a-f]{32}$/.test(customerId)) await afterApproval(deps, customerId, fixId);
  return hasSession ? seeOther(outcomePath(fixId)) : approvalReturnedPage();
};

/** Approvals of older fixes are reached through the letters about them. */
const MAX_SEARCHED = 5_000;

/** GET /billing/approve */
export const showApproval = async (deps: Deps, request: SessionRequest): Promise<Reply> => {
  const { customerId } = request;
  const signedIn = signedInAs(requireHead(request.items[0], customerId), request);
  const fixId = fixIdOf(request.query);
  if (fixId !== null) return approvePage(await requireFixOf(deps, customerId, fixId), signedIn);
  return approvalsPage(await readFixesAwaitingApproval(deps.table, customerId, MAX_SEARCHED), signedIn);
};

const requireFixOf = async ({ table }: Deps, customerId: string, fixId: string): Promise<FixAttempt> =>
  (await readOne(table, keys.fix(customerId, fixId), decodeFix)) ?? requireFix(undefined);

/** POST /billing/approve */
export const approve = async (deps: PaymentDeps, request: SessionRequest): Promise<Reply> => {
  const { customerId, form, items } = request;
  const fixId = fixIdOf(form) ?? '';
  await limitRate(deps, SUBSCRIPTION_CALLS, customerId);
  const refused = async (problem: string) =>
    approvePage(
      await requireFixOf(deps, customerId, fixId),
      signedInAs(requireHead(items[0], customerId), request),
      problem,
    );
  try {
    const result = await approveFixPayment(deps, customerId, fixId, returnUrlOf(customerId, fixId));
    switch (result.kind) {
      case 'waiting':
        return toNextStep(result.approval.next, fixId);
      case 'settled':
        return seeOther(outcomePath(fixId));
      case 'outdated':
        return await refused(NOT_APPROVABLE);
      default:
        return result satisfies never;
    }
  } catch (error) {
    if (!(error instanceof BillingError && error.code === 'card_declined')) throw error;
    return refused(error.message);
  }
};

const NOT_APPROVABLE =
  'Your card has changed since, or a payment is disputed, so this payment can no longer be approved. ' +
  'Nothing was charged.';

/** GET /billing/approve/script: for a bank's page that only Stripe's script can show. */
export const runScript = async (deps: PaymentDeps, request: SessionRequest): Promise<Reply> => {
  const { customerId, items } = request;
  const fixId = fixIdOf(request.query);
  await limitRate(deps, STRIPE_PAGES, customerId);
  const { next, invoiceUrl } = await readApprovalStep(deps, customerId, fixId);
  if (next?.kind !== 'script') return toNextStep(next, fixId);
  const signedIn = signedInAs(requireHead(items[0], customerId), request);
  const back = returnUrlOf(customerId, fixId);
  return scriptPage(next, parseStripePages(process.env), { back, invoiceUrl }, signedIn);
};
