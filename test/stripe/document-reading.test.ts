import { describe, expect, it } from 'vitest';
import {
  creditNoteDocument,
  disputeDocument,
  invoiceDocument,
  paymentDocument,
  type StripeLink,
  stripeLink,
} from '../../lib/stripe/readers/documents.ts';
import { fixMetadata } from '../../lib/stripe/readers/payments.ts';
import { disputeFrom, invoiceFrom, stripeWith } from '../support/stripe-objects.ts';

/* What a customer sees of Stripe's documents, and which links are shown. */

describe('a link in a document', () => {
  const STAND_IN = new URL('http://127.0.0.1:12111');

  it.each([
    'https://stripe.com/receipt',
    'https://pay.stripe.com/receipts/1?s=ap',
    'https://files.eu.stripe.com/1.pdf#page=2',
  ])('the link %s leads to Stripe and is shown', (url) => {
    expect(stripeLink(null)(url)).toBe(url);
    expect(stripeLink(STAND_IN)(url)).toBe(url);
  });

  it('a link is shown in its standard form, in which the usual port is left out', () => {
    expect(stripeLink(null)('HTTPS://Pay.Stripe.com:443/a b')).toBe('https://pay.stripe.com/a%20b');
  });

  it.each([
    null,
    undefined,
    '',
    'no link',
    '/receipts/1',
    'http://pay.stripe.com/1',
    'http://stripe.com/1',
    'ftp://pay.stripe.com/1',
    'javascript:alert(1)',
    'https://example.com/stripe.com',
    'https://notstripe.com/1',
    'https://stripe.com.example.com/1',
    'https://.stripe.com.example.com/1',
    'https://pay.stripe.com:8443/1',
    'https://user@pay.stripe.com/1',
    'https://:word@pay.stripe.com/1',
    'https://user:word@pay.stripe.com/1',
    'http://user@127.0.0.1:12111/1',
    'http://:word@127.0.0.1:12111/1',
    'http://127.0.0.1:12112/1',
    'https://127.0.0.1:12111/1',
  ])('the link %j is not shown, because it does not lead to Stripe alone', (url) => {
    expect(stripeLink(null)(url)).toBeNull();
    expect(stripeLink(STAND_IN)(url)).toBeNull();
  });

  it('a link to the local stand-in is shown only where the stand-in is used', () => {
    const url = 'http://127.0.0.1:12111/receipts/1';
    expect(stripeLink(STAND_IN)(url)).toBe(url);
    expect(stripeLink(null)(url)).toBeNull();
  });
});

/** Shows that each link of a document passes the check of links. */
const seen: StripeLink = (url) => `seen ${url}`;
const AT = '1970-01-01T00:01:40.000Z';

describe('the document of a payment', () => {
  const CHARGE = {
    id: 'ch_1',
    object: 'charge',
    created: 100,
    amount: 2_900,
    amount_refunded: 900,
    currency: 'usd',
    status: 'succeeded',
    disputed: true,
    description: 'Fix acme/webshop #1',
    metadata: fixMetadata({ customerId: 'c1', fixAttemptId: 'f1', attempt: 2 }),
    receipt_url: 'https://pay.stripe.com/receipts/1',
  };
  const read = async (facts: object = {}) =>
    paymentDocument(
      await stripeWith({ 'charges/ch_1': { ...CHARGE, ...facts } }).charges.retrieve('ch_1'),
      seen,
    );

  it('the document of a payment has its amount, its refunds, its fix and its receipt', async () => {
    expect(await read()).toEqual({
      id: 'ch_1',
      createdAt: AT,
      amount: 2_900,
      currency: 'usd',
      state: 'paid',
      refunded: 900,
      isDisputed: true,
      fixAttemptId: 'f1',
      description: 'Fix acme/webshop #1',
      receiptUrl: 'seen https://pay.stripe.com/receipts/1',
    });
  });

  it('the document of a payment that was not made for a fix names no fix', async () => {
    expect(await read({ metadata: {}, disputed: false, description: null })).toMatchObject({
      fixAttemptId: null,
      isDisputed: false,
      description: null,
    });
  });

  it.each([
    ['succeeded', 'paid'],
    ['failed', 'declined'],
    ['pending', 'pending'],
    ['newer_than_this_code', 'pending'],
    ['constructor', 'pending'],
  ])('the document of a payment whose charge is %s is %s', async (status, state) => {
    expect((await read({ status })).state).toBe(state);
  });
});

describe('the document of an invoice', () => {
  const read = async (facts: object = {}) => {
    const invoice = invoiceFrom({
      currency: 'usd',
      total: 59_900,
      hosted_invoice_url: 'https://invoice.stripe.com/1',
      invoice_pdf: 'https://pay.stripe.com/1.pdf',
      ...facts,
    });
    return invoiceDocument(await stripeWith({ 'invoices/in_1': invoice }).invoices.retrieve('in_1'), seen);
  };

  it('the document of an invoice has its total, its number, its status and its two links', async () => {
    expect(await read({ status: 'open' })).toEqual({
      id: 'in_1',
      createdAt: AT,
      amount: 59_900,
      currency: 'usd',
      number: 'RSOLV-0001',
      status: 'open',
      pageUrl: 'seen https://invoice.stripe.com/1',
      pdfUrl: 'seen https://pay.stripe.com/1.pdf',
    });
  });

  it('the document of an invoice without a status is a draft', async () => {
    expect(await read({ status: null, number: null })).toMatchObject({ status: 'draft', number: null });
  });
});

describe('the document of a credit note', () => {
  const NOTE = {
    id: 'cn_1',
    object: 'credit_note',
    created: 100,
    total: 1_200,
    currency: 'usd',
    number: 'RSOLV-0001-CN-01',
    status: 'issued',
    reason: 'order_change',
    memo: 'Fewer seats',
    invoice: invoiceFrom(),
    pdf: 'https://pay.stripe.com/cn.pdf',
  };
  const read = async (facts: object = {}) =>
    creditNoteDocument(
      await stripeWith({ 'credit_notes/cn_1': { ...NOTE, ...facts } }).creditNotes.retrieve('cn_1'),
      seen,
    );

  it("the document of a credit note has its total, its reason and its invoice's number", async () => {
    expect(await read()).toEqual({
      id: 'cn_1',
      createdAt: AT,
      amount: 1_200,
      currency: 'usd',
      number: 'RSOLV-0001-CN-01',
      isVoid: false,
      reason: 'order_change',
      memo: 'Fewer seats',
      invoiceNumber: 'RSOLV-0001',
      pdfUrl: 'seen https://pay.stripe.com/cn.pdf',
    });
  });

  it('the document of a credit note says whether the note is void', async () => {
    expect(await read({ status: 'void' })).toMatchObject({ isVoid: true });
  });

  it('the document of a credit note has no invoice number if Stripe sent only the id', async () => {
    expect(await read({ invoice: 'in_1' })).toMatchObject({ invoiceNumber: null });
  });
});

describe('the document of a dispute', () => {
  it("the document of a dispute has its amount and Stripe's status", async () => {
    const dispute = disputeFrom({ created: 100, amount: 2_900, status: 'under_review' });
    const stripe = stripeWith({ 'disputes/du_1': dispute });
    expect(disputeDocument(await stripe.disputes.retrieve('du_1'))).toEqual({
      id: 'du_1',
      createdAt: AT,
      amount: 2_900,
      currency: 'usd',
      status: 'under_review',
    });
  });
});
