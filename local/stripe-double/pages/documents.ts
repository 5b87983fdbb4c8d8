import type { Context } from 'hono';
import { html } from 'hono/html';
import type Stripe from 'stripe';
import { COLLECTABLE } from '../billing/invoice-life.ts';
import { idOf } from '../collection.ts';
import type { Double } from '../double.ts';
import type { App } from '../http/app.ts';
import { button } from './actions.ts';
import { link, moment, money, state } from './format.ts';
import type { Page } from './layout.ts';
import type { Html } from './markup.ts';
import { pdf } from './pdf.ts';
import { table } from './table.ts';

type Show = (c: Context, page: Page, status?: 200 | 404) => Response | Promise<Response>;

/** The documents behind `hosted_invoice_url`, `invoice_pdf`, `receipt_url` and a credit note's `pdf`. */
export function addDocuments(app: App, double: Double, show: Show): void {
  const { state: objects } = double;
  app.get('/invoice_pages/:id', (c) => {
    const invoice = objects.invoices.find(c.req.param('id'));
    return invoice === undefined ? missing(c, show) : show(c, invoicePage(double, invoice));
  });
  app.get('/receipts/:id', (c) => {
    const charge = objects.charges.find(c.req.param('id'));
    return charge === undefined ? missing(c, show) : show(c, receiptPage(charge));
  });
  app.get('/invoice_pdfs/:id', (c) => {
    const invoice = objects.invoices.find(c.req.param('id'));
    return invoice === undefined ? missing(c, show) : asPdf(c, invoiceText(invoice));
  });
  app.get('/credit_note_pdfs/:id', (c) => {
    const note = objects.creditNotes.find(c.req.param('id'));
    if (note === undefined) return missing(c, show);
    const { number, total, currency } = note;
    return asPdf(c, [`Credit note ${number}`, `Total: ${money(total, currency)}`]);
  });
}

const missing = (c: Context, show: Show) =>
  show(c, { title: 'No such document', path: '/', body: html`<p>The double has no such document.</p>` }, 404);

const asPdf = (c: Context, lines: readonly string[]): Response =>
  c.body(pdf(lines), 200, { 'content-type': 'application/pdf', 'cache-control': 'no-store' });

const invoiceText = ({ number, lines, currency, total, status }: Stripe.Invoice): string[] => [
  `Invoice ${number ?? 'draft'}`,
  ...lines.data.map((line) => `${line.description ?? ''}: ${money(line.amount, currency)}`),
  `Total: ${money(total, currency)}`,
  `State: ${status}`,
];

function invoicePage(double: Double, invoice: Stripe.Invoice): Page {
  const { id, number, currency, lines } = invoice;
  const rows = lines.data.map((line) => ({
    id: null,
    cells: [
      { head: 'What', value: line.description },
      { head: 'From', value: moment(line.period.start) },
      { head: 'To', value: moment(line.period.end) },
      { head: 'Amount', value: money(line.amount, currency) },
    ],
  }));
  return {
    title: `Invoice ${number ?? id}`,
    path: `/invoice_pages/${id}`,
    body: html`<p>${state(invoice.status ?? 'draft')} · Total ${money(invoice.total, currency)}
· To pay ${money(invoice.amount_remaining, currency)} · ${link(id)}</p>
${table('Lines', rows)}
${paying(double, invoice)}`,
  };
}

function paying({ state: { customers } }: Double, invoice: Stripe.Invoice): Html | null {
  const { id, amount_remaining: rest, currency } = invoice;
  if (!COLLECTABLE.includes(invoice.status ?? '') || rest === 0) return null;
  const pay = (label: string, input: object) =>
    button({ label, control: '/_double/invoices/:id/pay', id, input, back: `/invoice_pages/${id}` });
  const settings = customers.find(idOf(invoice.customer))?.invoice_settings;
  const onFile = idOf(settings?.default_payment_method) !== null;
  return html`<div class="row">
${onFile ? pay(`Pay ${money(rest, currency)} with the card on file`, {}) : null}
${pay(`Pay ${money(rest, currency)} with a new card`, { behavesLike: 'visa' })}
${pay('Pay with a card that is declined', { behavesLike: 'chargeCustomerFail' })}</div>`;
}

const receiptPage = ({ id, amount, amount_refunded: refunded, currency, created }: Stripe.Charge): Page => ({
  title: 'Receipt',
  path: `/receipts/${id}`,
  body: html`<p>Paid ${money(amount, currency)} on ${moment(created)} · ${link(id)}</p>
${refunded === 0 ? null : html`<p>Refunded: ${money(refunded, currency)}</p>`}`,
});
