import type { CustomerHead } from '../../domain/customer.ts';
import { BillingError } from '../../errors.ts';
import { type Html, html, type Part } from '../../html.ts';
import { lookUp } from '../../look-up.ts';
import {
  DOCUMENT_LISTS,
  type DocumentList,
  type Documents,
  type ReadDocuments,
  type ShownDispute,
  type ShownPayment,
  type WantedDocuments,
} from '../../operations/documents/read-documents.ts';
import type { CreditNoteDocument, InvoiceDocument, Money, Page } from '../../stripe/port.ts';
import type { Reply } from '../reply.ts';
import { meaningOf } from './dispute-words.ts';
import type { PagePath } from './navigation.ts';
import { pageReply } from './page.ts';
import { type Column, currencyOf, dayOf, factsOf, tableOf } from './parts.ts';

const PATH: PagePath = '/billing/documents';
const CURSOR = /^[a-z]+_\w{1,250}$/;

/**
 * The documents that a query asks for.
 * @throws BillingError invalid_request
 */
export function wantedDocuments(query: URLSearchParams): WantedDocuments {
  const [named, after, of] = [query.get('list'), query.get('after'), query.get('of')] as const;
  const list = DOCUMENT_LISTS.find((one) => one === named) ?? null;
  const isPage = list === named && (after === null || (list !== null && CURSOR.test(after)));
  if (isPage && (of === null || of === 'former')) return { list, after, isFormer: of === 'former' };
  throw new BillingError('invalid_request', 'This link names no documents. Open them from the menu.');
}

/** The address of a page of documents. */
function addressOf({ list, after, isFormer }: WantedDocuments): string {
  const query = new URLSearchParams({
    ...(list !== null && { list }),
    ...(after !== null && { after }),
    ...(isFormer && { of: 'former' }),
  });
  return query.size === 0 ? PATH : `${PATH}?${query}`;
}

const TITLES: Readonly<Record<DocumentList | 'all', string>> = {
  all: 'Invoices and receipts',
  payments: 'Payments',
  invoices: 'Invoices',
  'credit-notes': 'Credit notes',
  disputes: 'Disputes',
};

export function documentsPage(
  head: CustomerHead,
  wanted: WantedDocuments,
  documents: ReadDocuments,
  formToken: string,
): Reply {
  const page = { title: TITLES[wanted.list ?? 'all'], path: PATH, signedIn: { name: head.name, formToken } };
  if (documents === 'none') return pageReply({ ...page, content: noDocuments(head) });
  if (documents !== 'unavailable') return pageReply({ ...page, content: sections(head, wanted, documents) });
  const reply = pageReply({ ...page, status: 503, content: UNAVAILABLE });
  return { ...reply, headers: { ...reply.headers, 'retry-after': RETRY_AFTER_SECONDS } };
}

const RETRY_AFTER_SECONDS = '60';

const UNAVAILABLE = html`<section class="problem"><h2>Not available right now</h2>
<p>Stripe, our payment provider, keeps these documents and is not responding.
Nothing is lost. Try again in a minute.</p>
<p>These pages work without Stripe: <a href="/billing">your account</a>,
<a href="/billing/statement">your statement</a>, <a href="/billing/keys">API keys</a> and
<a href="/billing/settings">settings</a>.</p></section>`;

const noDocuments = ({ stripeCustomerId, formerStripeCustomerId }: CustomerHead): Html =>
  stripeCustomerId === null && formerStripeCustomerId === null
    ? html`<section><p>There are no documents yet: nothing has been charged so far.</p>
<p>Receipts and invoices appear here after the first payment.
<a href="/billing/card">Add a card</a> so that fixes are never blocked;
your first card earns 5 credits.</p></section>`
    : html`<section><p>Stripe, our payment provider, no longer lists your documents.</p>
<p>Reply to any of our letters, and we send them to you. Your <a href="/billing/statement">statement</a>
has every change of your credits.</p></section>`;

function sections(head: CustomerHead, wanted: WantedDocuments, documents: Documents): Part {
  const { payments, invoices, creditNotes, disputes } = documents;
  return [
    wanted.isFormer ? html`<p>These documents belong to your earlier record at Stripe.</p>` : null,
    payments && listOf(wanted, 'payments', payments, paymentRow),
    invoices && listOf(wanted, 'invoices', invoices, invoiceRow),
    creditNotes && listOf(wanted, 'credit-notes', creditNotes, noteRow),
    disputes && disputesOf(head, wanted, disputes),
    ways(head, wanted),
  ];
}

/** A row of a list. */
interface Row {
  readonly document: Money & { readonly createdAt: string };
  readonly name: string;
  /** Shown with the links below the name, so that a phone shows the links without scrolling sideways. */
  readonly state: string;
  readonly links: readonly (Html | null)[];
}

const COLUMNS: readonly Column[] = [
  { heading: 'Date' },
  { heading: 'For' },
  { heading: 'Amount', isNumber: true },
];

const NONE: Readonly<Record<Exclude<DocumentList, 'disputes'>, string>> = {
  payments: 'No payments.',
  invoices: 'No invoices. Only Pro is invoiced; each fix has a receipt.',
  'credit-notes': 'No credit notes.',
};

const joined = (parts: readonly (Html | string | null)[]): Part =>
  parts.filter((part) => part !== null && part !== '').map((part, i) => (i === 0 ? part : [' · ', part]));

function listOf<T>(
  wanted: WantedDocuments,
  list: keyof typeof NONE,
  { items, next }: Page<T>,
  rowOf: (document: T) => Row,
): Html {
  const rows = items
    .map(rowOf)
    .map(({ document: { createdAt, amount, currency }, name, state, links }) => [
      dayOf(createdAt),
      html`<div class="long">${name}<br><small>${joined([state, ...links])}</small></div>`,
      html`<span class="amount">${currencyOf(amount, currency)}</span>`,
    ]);
  return html`<section>${headingOf(wanted, list)}
${rows.length === 0 ? html`<p>${NONE[list]}</p>` : tableOf(TITLES[list], COLUMNS, rows)}
${olderOf(wanted, list, next)}</section>`;
}

/** None if the page shows only this list, because the page's own heading names it. */
const headingOf = (wanted: WantedDocuments, list: DocumentList): Html | null =>
  wanted.list === null ? html`<h2>${TITLES[list]}</h2>` : null;

const olderOf = (wanted: WantedDocuments, list: DocumentList, next: string | null): Html | null =>
  next === null
    ? null
    : html`<p><a href="${addressOf({ ...wanted, list, after: next })}">${OLDER[list]}</a></p>`;

const OLDER: Readonly<Record<DocumentList, string>> = {
  payments: 'Older payments',
  invoices: 'Older invoices',
  'credit-notes': 'Older credit notes',
  disputes: 'Disputes of older payments',
};

/** A link to one of Stripe's pages. @param name says for screen readers which document it opens */
const stripeLink = (url: string | null, text: string, name: string): Html | null =>
  url === null ? null : html`<a href="${url}" rel="noopener noreferrer" aria-label="${name}">${text}</a>`;

function paymentRow(payment: ShownPayment): Row {
  const { createdAt, amount, currency, receiptUrl } = payment;
  const name = `Receipt of ${createdAt.slice(0, 10)} for ${currencyOf(amount, currency)}`;
  return {
    document: payment,
    name: purposeOf(payment),
    state: paymentState(payment),
    links: [stripeLink(receiptUrl, 'Receipt', name)],
  };
}

function purposeOf({ pullRequest, fixAttemptId, description }: ShownPayment): string {
  if (pullRequest === null) return fixAttemptId === null ? (description ?? 'Payment') : 'A fix';
  const { githubOrg, repoName, prNumber } = pullRequest;
  return `Fix ${githubOrg}/${repoName} #${prNumber}`;
}

const PAYMENT_STATES: Readonly<Record<ShownPayment['state'], string>> = {
  paid: 'Paid',
  pending: 'Pending',
  declined: 'Declined: nothing was charged',
};

function paymentState({ state, amount, currency, refunded, isDisputed }: ShownPayment): string {
  const whole = refunded >= amount ? 'Refunded' : `Paid, ${currencyOf(refunded, currency)} refunded`;
  const words = refunded > 0 ? whole : PAYMENT_STATES[state];
  return isDisputed ? `${words}, disputed` : words;
}

const INVOICE_STATES: Readonly<Record<string, string>> = {
  draft: 'In preparation',
  open: 'Open',
  paid: 'Paid',
  uncollectible: 'Not collected',
  void: 'Void: nothing is due',
};

function invoiceRow(invoice: InvoiceDocument): Row {
  const { number, status, pageUrl, pdfUrl } = invoice;
  const name = number ?? 'without a number yet';
  const verb = status === 'open' ? 'Pay' : 'View';
  return {
    document: invoice,
    name: `Invoice ${name}`,
    state: lookUp(INVOICE_STATES, status) ?? status,
    links: [
      stripeLink(pageUrl, verb, `${verb} invoice ${name}`),
      stripeLink(pdfUrl, 'PDF', `PDF of invoice ${name}`),
    ],
  };
}

const REASONS: Readonly<Record<string, string>> = {
  duplicate: 'A duplicate',
  fraudulent: 'Fraud',
  order_change: 'A changed order',
  product_unsatisfactory: 'An unsatisfactory product',
};

function noteRow(note: CreditNoteDocument): Row {
  const { number, isVoid, reason, memo, invoiceNumber, pdfUrl } = note;
  const facts = [
    isVoid ? 'Void' : null,
    reason === null ? null : (lookUp(REASONS, reason) ?? reason),
    invoiceNumber === null ? null : `Invoice ${invoiceNumber}`,
    memo,
  ];
  return {
    document: note,
    name: `Credit note ${number}`,
    state: facts.filter((fact) => fact !== null && fact !== '').join('. '),
    links: [stripeLink(pdfUrl, 'PDF', `PDF of credit note ${number}`)],
  };
}

function disputesOf(head: CustomerHead, wanted: WantedDocuments, { items, next }: Page<ShownDispute>): Html {
  const all = items.map(disputeFacts);
  const none = html`<p>${wanted.list === null ? 'No payment is disputed.' : NONE_DISPUTED}</p>`;
  const older = olderOf(wanted, 'disputes', next);
  if (wanted.list === null) {
    return html`<section><h2>${TITLES.disputes}</h2>${all.length === 0 ? none : all}
${otherDisputes(head, wanted)}</section>`;
  }
  const sections = (all.length === 0 ? [none] : all).map((one) => html`<section>${one}</section>\n`);
  return html`${sections}${older}`;
}

const NONE_DISPUTED = 'None of these payments is disputed.';

function disputeFacts({ createdAt, amount, currency, status, payment }: ShownDispute): Html {
  const { state, meaning } = meaningOf(status);
  return factsOf([
    ['Opened', dayOf(createdAt)],
    ['Amount', currencyOf(amount, currency)],
    ...(payment === null ? [] : [['Payment', purposeOf(payment)] as const]),
    ['Status', state],
    ['What it means', meaning],
  ]);
}

/** Each dispute takes one more call to Stripe, so the page of all lists shows only one. */
function otherDisputes({ openDisputes }: CustomerHead, wanted: WantedDocuments): Html {
  const address = addressOf({ ...wanted, list: 'disputes', after: null });
  const count = openDisputes.length;
  const text = count > 1 ? `All ${count} open disputes, and closed ones` : 'All disputes, also closed ones';
  return html`<p><a href="${address}">${text}</a></p>`;
}

const FORMER = 'Documents of your earlier record at Stripe';

/** Links to the other documents. */
function ways({ stripeCustomerId, formerStripeCustomerId }: CustomerHead, wanted: WantedDocuments): Html {
  const newest = wanted.list === null ? null : addressOf({ ...wanted, list: null, after: null });
  const hasBoth = stripeCustomerId !== null && formerStripeCustomerId !== null;
  const other = { list: null, after: null, isFormer: !wanted.isFormer };
  return html`${newest === null ? null : html`<p><a href="${newest}">All invoices and receipts</a></p>`}
${
  hasBoth
    ? html`<p><a href="${addressOf(other)}">${wanted.isFormer ? 'Current documents' : FORMER}</a></p>`
    : null
}`;
}
