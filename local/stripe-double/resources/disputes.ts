import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { flag, inRange, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { changeAndEmit, emit, type Scope } from '../scope.ts';

export type Verdict = 'won' | 'lost' | 'warning_closed';

/** What the evidence of a test dispute says decides it. */
const VERDICTS: Readonly<Record<string, Verdict>> = { winning_evidence: 'won', losing_evidence: 'lost' };

export const disputeRoutes = [
  route(
    'GET',
    '/v1/disputes',
    { charge: z.optional(text()), payment_intent: z.optional(text()), created: range, ...page },
    (scope, { charge, payment_intent: intent, created, ...window }) => {
      const disputes = scope.state.disputes.newestFirst.filter(
        (dispute) =>
          (charge === undefined || dispute.charge === charge) &&
          (intent === undefined || dispute.payment_intent === intent) &&
          inRange(dispute.created, created),
      );
      return paginate('/v1/disputes', disputes, window);
    },
  ),
  route('GET', '/v1/disputes/:id', {}, (scope, _, { id = '' }) => scope.state.disputes.get(id, 'path')),
  route(
    'POST',
    '/v1/disputes/:id',
    {
      evidence: z.optional(z.strictObject({ uncategorized_text: text() })),
      metadata,
      submit: z.optional(flag),
    },
    (scope, { evidence, metadata, submit = true }, { id = '' }) => {
      const dispute = scope.state.disputes.get(id, 'path');
      const said = evidence?.uncategorized_text;
      if (said !== undefined && isClosed(dispute)) throw invalid('This dispute is already closed.');
      changeAndEmit(scope, 'charge.dispute.updated', dispute, {
        metadata: mergeMetadata(dispute.metadata, metadata),
        ...(said !== undefined && withEvidence(dispute, said, submit)),
      });
      const verdict = submit && said !== undefined ? VERDICTS[said] : undefined;
      if (verdict !== undefined) closeDispute(scope, dispute, verdict);
      return dispute;
    },
  ),
  route('POST', '/v1/disputes/:id/close', {}, (scope, _, { id = '' }) => {
    const dispute = scope.state.disputes.get(id, 'path');
    const inquiry = dispute.status.startsWith('warning');
    return closeDispute(scope, dispute, inquiry ? 'warning_closed' : 'lost');
  }),
];

/** The bank has decided, or we gave up. */
export function closeDispute(scope: Scope, dispute: Stripe.Dispute, verdict: Verdict): Stripe.Dispute {
  if (isClosed(dispute)) throw invalid('This dispute is already closed.');
  if (dispute.status.startsWith('warning') !== (verdict === 'warning_closed')) {
    throw invalid(`A dispute that is ${dispute.status} cannot become ${verdict}.`);
  }
  const withdrawn = !dispute.status.startsWith('warning');
  changeAndEmit(scope, 'charge.dispute.closed', dispute, { status: verdict });
  if (verdict === 'won' && withdrawn) emit(scope, 'charge.dispute.funds_reinstated', dispute);
  return dispute;
}

export const isClosed = ({ status }: Stripe.Dispute): boolean =>
  ['won', 'lost', 'warning_closed'].includes(status);

function withEvidence(
  { evidence, evidence_details: details, status }: Stripe.Dispute,
  said: string,
  submit: boolean,
): Partial<Stripe.Dispute> {
  const review = status.startsWith('warning') ? 'warning_under_review' : 'under_review';
  return {
    evidence: { ...evidence, uncategorized_text: said },
    evidence_details: {
      ...details,
      has_evidence: true,
      submission_count: details.submission_count + (submit ? 1 : 0),
      submission_method: submit ? 'manual' : details.submission_method,
    },
    ...(submit && { status: review }),
  };
}
