import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { buildCreditNote, linesOfNote, totalOf } from '../billing/credit-note-build.ts';
import {
  creditableOf,
  type Division,
  issueNote,
  linkable,
  updateNote,
  voidNote,
} from '../billing/credit-note-life.ts';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { type InputOf, inRange, integer, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import type { Scope } from '../scope.ts';

const CREDITABLE: readonly string[] = ['open', 'paid', 'uncollectible'];

const noteParameters = {
  invoice: text(),
  amount: z.optional(integer),
  credit_amount: z.optional(integer),
  effective_at: z.optional(integer),
  // The stand-in sends no mail: both values are accepted and have no effect.
  email_type: z.optional(z.enum(['credit_note', 'none'], 'parameter_invalid: must be credit_note or none')),
  lines: z.optional(
    z.array(
      z.strictObject({
        type: z.enum(
          ['custom_line_item', 'invoice_line_item'],
          'parameter_invalid: must be custom_line_item or invoice_line_item',
        ),
        amount: z.optional(integer),
        description: z.optional(text()),
        invoice_line_item: z.optional(text()),
        metadata,
        quantity: z.optional(integer),
        unit_amount: z.optional(integer),
      }),
    ),
  ),
  memo: z.optional(text()),
  metadata,
  out_of_band_amount: z.optional(integer),
  reason: z.optional(
    z.enum(
      ['duplicate', 'fraudulent', 'order_change', 'product_unsatisfactory'],
      'parameter_invalid: must be a reason that Stripe supports',
    ),
  ),
  refund_amount: z.optional(integer),
  refunds: z.optional(
    z.array(
      z.strictObject({
        refund: text(),
        amount_refunded: z.optional(integer),
        type: z.optional(z.literal('refund', 'parameter_invalid: the double supports only refunds')),
      }),
    ),
  ),
};

type NoteInput = InputOf<typeof noteParameters>;

export const creditNoteRoutes = [
  route('POST', '/v1/credit_notes', noteParameters, (scope, input) => {
    const { invoice, note, division } = prepared(scope, input);
    issueNote(scope, invoice, note, division);
    return note;
  }),
  route('GET', '/v1/credit_notes/preview', noteParameters, (scope, input) => prepared(scope, input).note),
  route('GET', '/v1/credit_notes/preview/lines', { ...noteParameters, ...page }, (scope, input) =>
    paginate('/v1/credit_notes/preview/lines', prepared(scope, input).note.lines.data, input),
  ),
  route(
    'GET',
    '/v1/credit_notes',
    { created: range, customer: z.optional(text()), invoice: z.optional(text()), ...page },
    (scope, { created, customer, invoice, ...window }) => {
      const notes = scope.state.creditNotes.newestFirst.filter(
        (note) =>
          (customer === undefined || note.customer === customer) &&
          (invoice === undefined || note.invoice === invoice) &&
          inRange(note.created, created),
      );
      return paginate('/v1/credit_notes', notes, window);
    },
  ),
  route('GET', '/v1/credit_notes/:id', {}, (scope, _, { id = '' }) =>
    scope.state.creditNotes.get(id, 'path'),
  ),
  route('GET', '/v1/credit_notes/:id/lines', page, (scope, window, { id = '' }) =>
    paginate(`/v1/credit_notes/${id}/lines`, scope.state.creditNotes.get(id, 'path').lines.data, window),
  ),
  route(
    'POST',
    '/v1/credit_notes/:id',
    { memo: z.optional(text()), metadata },
    (scope, { memo, metadata }, { id = '' }) => {
      const note = scope.state.creditNotes.get(id, 'path');
      updateNote(scope, note, {
        ...withoutUndefined({ memo }),
        metadata: mergeMetadata(note.metadata ?? {}, metadata),
      });
      return note;
    },
  ),
  route('POST', '/v1/credit_notes/:id/void', {}, (scope, _, { id = '' }) => {
    const note = scope.state.creditNotes.get(id, 'path');
    voidNote(scope, note);
    return note;
  }),
];

/** @throws Refusal for a note that does not fit its invoice, before any money moves. */
function prepared(scope: Scope, input: NoteInput) {
  const invoice = scope.state.invoices.get(input.invoice, { param: 'invoice' });
  if (!CREDITABLE.includes(invoice.status ?? '')) {
    throw invalid(`An invoice that is ${invoice.status} cannot be credited.`, { param: 'invoice' });
  }
  const lines = linesOfNote(scope, invoice, input.amount, input.lines);
  const total = totalOf(lines);
  const creditable = creditableOf(scope, invoice);
  if (total > creditable) {
    throw invalid(`The credit note (${total}) is more than the invoice has to credit (${creditable}).`, {
      param: 'amount',
    });
  }
  const prePayment = Math.min(invoice.status === 'paid' ? 0 : invoice.amount_remaining, total);
  const division = divisionOf(scope, invoice, input, total - prePayment);
  const note = buildCreditNote(scope, invoice, {
    lines,
    prePayment,
    postPayment: total - prePayment,
    outOfBand: input.out_of_band_amount ?? null,
    memo: input.memo ?? null,
    reason: input.reason ?? null,
    effectiveAt: input.effective_at ?? null,
    metadata: mergeMetadata({}, input.metadata),
  });
  return { invoice, note, division };
}

/** @throws Refusal unless refunds, credit and out-of-band amount add up to the already paid part. */
function divisionOf(scope: Scope, invoice: Stripe.Invoice, input: NoteInput, postPayment: number): Division {
  const { credit_amount: credit = 0, refund_amount: refund = 0, out_of_band_amount: outOfBand = 0 } = input;
  for (const [param, value] of Object.entries({ credit, refund, outOfBand })) {
    if (value < 0) throw invalid('Invalid non-negative integer', { param });
  }
  const linked = linkable(scope, invoice, input.refunds ?? []);
  const divided = credit + refund + outOfBand + linked.reduce((sum, { amount }) => sum + amount, 0);
  if (divided !== postPayment) {
    throw invalid(
      `The sum of refunds, credit amount and out of band amount (${divided}) must equal the ` +
        `post payment amount (${postPayment}).`,
    );
  }
  return { credit, refund, outOfBand, linked };
}
