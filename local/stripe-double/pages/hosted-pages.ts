import type { Context } from 'hono';
import { html } from 'hono/html';
import type Stripe from 'stripe';
import { CARD_NAMES } from '../cards.ts';
import { idOf } from '../collection.ts';
import type { Double } from '../double.ts';
import type { App } from '../http/app.ts';
import { setupOf } from '../resources/checkout-sessions.ts';
import { awaitsCardholder } from '../resources/payment-intents.ts';
import { configurationIn } from '../resources/portal-configurations.ts';
import { button, fieldForm } from './actions.ts';
import { link, moment } from './format.ts';
import type { Page } from './layout.ts';
import { type Html, type Part, shown } from './markup.ts';

type Send = (c: Context, page: Page, status?: 200 | 404) => Response | Promise<Response>;

/** Pages that imitate Stripe's hosted pages: Checkout, the customer portal, and a bank's authentication. */
export function addHostedPages(app: App, double: Double, send: Send): void {
  const { state } = double;
  const one = <T>(path: string, title: string, find: (id: string) => T | undefined, body: Body<T>): void => {
    app.get(`/${path}/:id`, (c) => {
      const id = c.req.param('id');
      const found = find(id);
      const back = `/${path}/${id}`;
      if (found === undefined) {
        return send(
          c,
          { title: 'No such page', path: '/', body: html`<p>There is no ${shown(id)}.</p>` },
          404,
        );
      }
      return send(c, { title, path: back, body: body(double, found, back) });
    });
  };
  app.get('/stripe.js', (c) =>
    c.body(STRIPE_JS, 200, { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-store' }),
  );
  one('checkout', 'Checkout', (id) => state.checkoutSessions.find(id), checkout);
  one('portal', 'Customer portal', (id) => state.portalSessions.find(id), portal);
  one(
    'authenticate',
    'Authentication',
    (id) => state.paymentIntents.find(id) ?? state.setupIntents.find(id),
    bank,
  );
}

/** Imitates Stripe's script: shows the bank's page in place of the merchant's, and returns from there. */
const STRIPE_JS = `const origin = new URL(document.currentScript.src).origin;
window.Stripe = () => ({
  handleNextAction({ clientSecret }) {
    location.assign(origin + '/authenticate/' + clientSecret.split('_secret')[0]);
    return new Promise(() => {});
  },
});
`;

type Body<T> = (double: Double, object: T, back: string) => Html;

function checkout(double: Double, session: Stripe.Checkout.Session, back: string): Html {
  const { id, status, success_url: success, cancel_url: cancel } = session;
  const about = html`<p>Session ${link(id)} adds a card.</p>`;
  if (status === 'complete') {
    return html`${about}<p>The card was added.</p><p>${outward(success, 'Return to the merchant')}</p>`;
  }
  if (status !== 'open') return html`${about}<p>This session has expired.</p>`;
  const setup = setupOf(double, session);
  if (setup.status === 'requires_action') {
    return html`${about}${answers('/_double/checkout_sessions/:id/authenticate', id, back)}`;
  }
  const said = setup.last_setup_error?.message;
  return html`${about}
${said === undefined ? null : html`<p class="notice problem" role="alert">${shown(said)}</p>`}
${fieldForm({
  label: 'Add the card',
  control: '/_double/checkout_sessions/:id/enter_card',
  id,
  input: {},
  back,
  fields: [CARD_FIELD, { name: 'name', label: 'Name on the card' }, { name: 'email', label: 'E-mail' }],
})}
<p>${outward(cancel, 'Cancel and return to the merchant')}</p>`;
}

const CARD_FIELD = {
  name: 'card',
  label: 'Test card',
  value: 'visa',
  options: CARD_NAMES,
  required: true,
} as const;

const ACT = '/_double/portal_sessions/:id/act';

function portal(double: Double, session: Stripe.BillingPortal.Session, back: string): Html {
  const { state } = double;
  const customer = state.customers.find(session.customer);
  if (customer === undefined) return html`<p>This customer was deleted.</p>`;
  const { id } = session;
  const act = (label: string, input: object): Html => button({ label, control: ACT, id, input, back });
  const form = (label: string, input: object, fields: Parameters<typeof fieldForm>[0]['fields']): Html =>
    fieldForm({ label, control: ACT, id, input, back, fields });
  const { features } = configurationIn(double, idOf(session.configuration) ?? undefined);
  const current = idOf(customer.invoice_settings.default_payment_method);
  const cards = state.paymentMethods.newestFirst.filter((method) => method.customer === customer.id);
  const subscriptions = state.subscriptions.newestFirst.filter(
    (one) => one.customer === customer.id && one.ended_at === null,
  );
  return html`<p>For ${link(customer.id)}</p>
${features.payment_method_update.enabled ? paymentMethods() : null}
${features.subscription_cancel.enabled ? cancellations() : null}
${features.customer_update.enabled ? contact(customer) : null}
<p>${outward(session.return_url, 'Return to the merchant')}</p>`;

  function paymentMethods(): Html {
    return html`<h2>Payment methods</h2>
${cards.map(
  (
    method,
  ) => html`<div class="row"><span>${nameOf(method)}${method.id === current ? ', the default' : ''}</span>
${
  method.id === current
    ? null
    : act('Make it the default', { action: 'choose_card', payment_method: method.id })
}
${act('Remove it', { action: 'remove_card', payment_method: method.id })}</div>`,
)}
${form('Add the card', { action: 'add_card' }, [CARD_FIELD])}`;
  }

  function cancellations(): Html {
    return html`<h2>Subscriptions</h2>
${subscriptions.length === 0 ? html`<p class="soft">None.</p>` : null}
${subscriptions.map(
  (one) => html`<div class="row"><span>${link(one.id)} ${one.status.replaceAll('_', ' ')}${ends(one)}</span>
${
  one.cancel_at === null && !one.cancel_at_period_end
    ? act('Cancel at the end of the period', { action: 'cancel_at_period_end', subscription: one.id })
    : act('Keep it', { action: 'keep', subscription: one.id })
}
${act('Cancel it now', { action: 'cancel_now', subscription: one.id })}</div>`,
)}`;
  }

  function contact({ name, email }: Stripe.Customer): Html {
    return html`<h2>Contact</h2>
${form('Save', { action: 'update_customer' }, [
  { name: 'name', label: 'Name', value: name ?? '' },
  { name: 'email', label: 'E-mail', value: email ?? '' },
])}`;
  }
}

const nameOf = ({ card, type }: Stripe.PaymentMethod): string =>
  card === undefined ? type.replaceAll('_', ' ') : `${card.brand} ending in ${card.last4}`;

const ends = ({ cancel_at: at }: Stripe.Subscription): Part =>
  at === null ? null : html`, ends at ${moment(at)}`;

function bank(double: Double, intent: Stripe.PaymentIntent | Stripe.SetupIntent, back: string): Html {
  const { id } = intent;
  if (intent.object === 'setup_intent') {
    if (intent.status === 'requires_action') {
      return answers('/_double/setup_intents/:id/authenticate', id, back);
    }
  } else if (awaitsCardholder(intent)) {
    return answers('/_double/payment_intents/:id/authenticate', id, back);
  }
  const answered = outward(returnUrl(double, intent), 'Return to the merchant');
  return html`<p>${link(id)} is ${intent.status.replaceAll('_', ' ')}.</p><p>${answered}</p>`;
}

/** The merchant's return URL, with the outcome. The client secret is left out. */
function returnUrl(
  { state }: Double,
  { id, object, status }: Stripe.PaymentIntent | Stripe.SetupIntent,
): string | null {
  const address = state.returnUrls.get(id);
  if (address === undefined || !URL.canParse(address)) return null;
  const url = new URL(address);
  url.searchParams.set(object, id);
  url.searchParams.set('redirect_status', status === 'succeeded' ? 'succeeded' : 'failed');
  return url.href;
}

type Answer = Parameters<typeof button>[0]['control'];

const answers = (control: Answer, id: string, back: string): Html =>
  html`<p>The bank asks the cardholder to authenticate.</p>
<div class="row">
${button({ label: 'Confirm as the cardholder', control, id, input: { succeeds: true }, back })}
${button({ label: 'Fail the authentication', control, id, input: { succeeds: false }, back })}</div>`;

/** A link to the merchant. Only web addresses become links. */
function outward(url: string | null, label: string): Part {
  if (url === null) return null;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return shown(url);
  return html`<a href="${url}">${label}</a>`;
}
