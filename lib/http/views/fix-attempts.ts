import * as z from 'zod/mini';
import type { FixAttempt } from '../../domain/fix-attempt.ts';
import type { MergeCost } from '../../domain/payments/exposure.ts';
import type { FixAttemptView } from '../contracts/fix-attempts.ts';
import { parseExactly } from '../exact-json.ts';
import { mergeCostView } from './merge-cost.ts';

/** API view of a fix attempt. Unset fields are left out. */
export function fixAttemptView(fix: FixAttempt): FixAttemptView {
  const { billed } = fix;
  return {
    id: fix.id,
    status: billed ? 'merged' : 'pending',
    github_org: fix.githubOrg,
    repo_name: fix.repoName,
    pr_number: fix.prNumber,
    ...(fix.repositoryId !== null && { repository_id: fix.repositoryId }),
    pr_title: fix.prTitle,
    pr_url: fix.prUrl,
    ...(fix.issueNumber !== null && { issue_number: fix.issueNumber }),
    ...(fix.issueTitle !== null && { issue_title: fix.issueTitle }),
    ...(fix.issueUrl !== null && { issue_url: fix.issueUrl }),
    ...(fix.vulnerabilityId !== null && { vulnerability_id: fix.vulnerabilityId }),
    ...(fix.metadataJson !== null && { metadata: metadataOf(fix.metadataJson) }),
    billing_status: billingStatus(fix),
    ...(billed && { outcome: billed.outcome, amount_cents: billed.amountCents, billed_at: billed.billedAt }),
    ...(fix.refundedCents > 0 && { refunded_cents: fix.refundedCents }),
    created_at: fix.createdAt,
  };
}

/** A recorded fix, with what merging it costs. */
export const recordedFixView = (fix: FixAttempt, cost: MergeCost | null): FixAttemptView => ({
  ...fixAttemptView(fix),
  ...(cost && { merge_cost: mergeCostView(cost) }),
});

/** As recorded, with the original text of its numbers. Stored only if the body's metadata was an object. */
const metadataOf = (json: string): Record<string, unknown> => Metadata.parse(parseExactly(json));

const Metadata = z.record(z.string(), z.unknown());

function billingStatus({ billed, charge, refundedCents }: FixAttempt): FixAttemptView['billing_status'] {
  if (billed !== null)
    return refundedCents > 0 && refundedCents >= billed.amountCents ? 'refunded' : 'billed';
  return charge?.state === 'charging' ? 'charging' : 'not_billed';
}
