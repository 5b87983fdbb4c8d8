import { customerPage, publicPage, routed, type SessionRequest } from '../lib/http/pages/page-endpoint.ts';
import { scriptHeaders } from '../lib/http/pages/plan/approve-pages.ts';
import * as routes from '../lib/http/pages/plan/plan-routes.ts';
import type { Reply } from '../lib/http/reply.ts';
import type { Deps, PaymentDeps } from '../lib/runtime/deps.ts';
import { paymentDeps } from '../lib/runtime/payment-deps.ts';
import { parseStripePages } from '../lib/settings/stripe-pages.ts';
import { keys } from '../lib/store/keys.ts';

const headAlone = (customerId: string) => [keys.head(customerId)];
const asksStripe =
  (run: (deps: PaymentDeps, request: SessionRequest) => Promise<Reply>) =>
  (deps: Deps, request: SessionRequest): Promise<Reply> =>
    run(paymentDeps(deps), request);

/** The plan, and the payments that the customer's bank asks them to approve. */
export const handler = routed({
  'GET /billing/plan': (route) => customerPage(route, routes.planKeys, asksStripe(routes.showPlan)),
  'POST /billing/plan/subscribe': (route) => customerPage(route, () => [], asksStripe(routes.subscribe)),
  'GET /billing/plan/cancel': (route) => customerPage(route, headAlone, routes.askToCancel),
  'POST /billing/plan/cancel': (route) => customerPage(route, () => [], asksStripe(routes.cancel)),
  'POST /billing/plan/resume': (route) => customerPage(route, () => [], asksStripe(routes.resume)),
  'POST /billing/plan/pay-renewal': (route) =>
    customerPage(route, () => [], asksStripe(routes.payOpenRenewal)),
  'GET /billing/plan/return': (route) =>
    publicPage(route, (deps, request) => routes.returnFromBank(paymentDeps(deps), request)),
  'GET /billing/approve': (route) => customerPage(route, headAlone, routes.showApproval),
  'POST /billing/approve': (route) => customerPage(route, headAlone, asksStripe(routes.approve)),
  'GET /billing/approve/script': (route) =>
    customerPage(
      { ...route, headers: () => scriptHeaders(parseStripePages(process.env)) },
      headAlone,
      asksStripe(routes.runScript),
    ),
});
