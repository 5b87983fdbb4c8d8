import type Stripe from 'stripe';
import * as z from 'zod/mini';
import { invalid } from '../http/errors.ts';
import { page, paginate } from '../http/pagination.ts';
import { clearable, flag, inRange, metadata, range, text } from '../http/parameters.ts';
import { route } from '../http/route.ts';
import { mergeMetadata } from '../metadata.ts';
import { withoutUndefined } from '../params.ts';
import { changeAndEmit } from '../scope.ts';
import { closeDispute, isClosed, isInquiry, reviewOf, type Verdict } from './dispute-life.ts';

const MAX_EVIDENCE = 150_000;
const evidenceText = z.optional(clearable(text(20_000)));

const evidence = z.strictObject({
  access_activity_log: evidenceText,
  billing_address: evidenceText,
  cancellation_policy: evidenceText,
  cancellation_policy_disclosure: evidenceText,
  cancellation_rebuttal: evidenceText,
  customer_communication: evidenceText,
  customer_email_address: evidenceText,
  customer_name: evidenceText,
  customer_purchase_ip: evidenceText,
  customer_signature: evidenceText,
  duplicate_charge_documentation: evidenceText,
  duplicate_charge_explanation: evidenceText,
  duplicate_charge_id: evidenceText,
  product_description: evidenceText,
  receipt: evidenceText,
  refund_policy: evidenceText,
  refund_policy_disclosure: evidenceText,
  refund_refusal_explanation: evidenceText,
  service_date: evidenceText,
  service_documentation: evidenceText,
  shipping_address: evidenceText,
  shipping_carrier: evidenceText,
  shipping_date: evidenceText,
  shipping_documentation: evidenceText,
  shipping_tracking_number: evidenceText,
  uncategorized_file: evidenceText,
  uncategorized_text: evidenceText,
  appeal: z.optional(
    z.strictObject({
      card: z.strictObject({
        reason_for_filing: z.optional(text(20_000)),
        supporting_files: z.optional(z.array(text())),
      }),
    }),
  ),
});

/** The evidence text of a test dispute decides it. */
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
      evidence: z.optional(evidence),
      metadata,
      submit: z.optional(flag),
    },
    (scope, { evidence, metadata, submit = true }, { id = '' }) => {
      const dispute = scope.state.disputes.get(id, 'path');
      if (evidence !== undefined && isClosed(dispute)) throw invalid('This dispute is already closed.');
      const changes = evidence === undefined ? {} : withEvidence(dispute, evidence, submit);
      changeAndEmit(scope, 'charge.dispute.updated', dispute, {
        metadata: mergeMetadata(dispute.metadata, metadata),
        ...changes,
      });
      const verdict = submit ? VERDICTS[evidence?.uncategorized_text ?? ''] : undefined;
      if (verdict !== undefined) closeDispute(scope, dispute, verdict);
      return dispute;
    },
  ),
  route('POST', '/v1/disputes/:id/close', {}, (scope, _, { id = '' }) => {
    const dispute = scope.state.disputes.get(id, 'path');
    return closeDispute(scope, dispute, isInquiry(dispute) ? 'warning_closed' : 'lost');
  }),
];

/** @throws Refusal if all texts together exceed Stripe's limit. */
function withEvidence(
  dispute: Stripe.Dispute,
  added: z.output<typeof evidence>,
  submit: boolean,
): Partial<Stripe.Dispute> {
  const { appeal, ...texts } = added;
  const evidence: Stripe.Dispute.Evidence = { ...dispute.evidence, ...withoutUndefined(texts) };
  const card = withoutUndefined(appeal?.card);
  if (appeal !== undefined) evidence.appeal = { card };
  const length = Object.values(texts).reduce((sum, one) => sum + (one?.length ?? 0), 0);
  if (length > MAX_EVIDENCE) {
    throw invalid(`Evidence has at most ${MAX_EVIDENCE} characters.`, { param: 'evidence' });
  }
  const details = dispute.evidence_details;
  return {
    evidence,
    evidence_details: {
      ...details,
      has_evidence: true,
      submission_count: details.submission_count + (submit ? 1 : 0),
      submission_method: submit ? 'manual' : details.submission_method,
    },
    ...(submit && { status: reviewOf(dispute) }),
  };
}
