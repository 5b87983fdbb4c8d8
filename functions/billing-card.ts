import {
  addCard,
  askToRemove,
  remove,
  showCard,
  showReturn,
  toPortal,
} from '../lib/http/pages/card/card-routes.ts';
import { followLetter, showLetter } from '../lib/http/pages/card/letter-routes.ts';
import { billWaitingFixes, showWaiting, waitingKeys } from '../lib/http/pages/card/waiting-routes.ts';
import { customerPage, publicPage, routed, visitorPage } from '../lib/http/pages/page-endpoint.ts';
import { keys } from '../lib/store/keys.ts';

const headKey = (customerId: string) => [keys.head(customerId)];

/** The card on file, the waiting fixes, and the redirects to Stripe's pages. */
export const handler = routed({
  'GET /billing/card': (route) => customerPage(route, headKey, showCard),
  'POST /billing/card': (route) => customerPage(route, headKey, addCard),
  // Stripe sends the browser here. Without a session, the page shows only the outcome.
  'GET /billing/card/return': (route) => visitorPage(route, showReturn),
  'GET /billing/card/remove': (route) => customerPage(route, headKey, askToRemove),
  'POST /billing/card/remove': (route) => customerPage(route, headKey, remove),
  'POST /billing/portal': (route) => customerPage(route, headKey, toPortal),
  'GET /billing/card/waiting': (route) => customerPage(route, waitingKeys, showWaiting),
  'POST /billing/card/waiting': (route) => customerPage(route, waitingKeys, billWaitingFixes),
  'GET /billing/letter': (route) => publicPage(route, showLetter),
  'POST /billing/letter': (route) => publicPage(route, followLetter),
});
