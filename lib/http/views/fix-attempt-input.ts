import type * as z from 'zod/mini';
import type { PullRequest } from '../../domain/fix-attempt.ts';
import type { NewFixAttempt } from '../../operations/fixes/record-fix-attempt.ts';
import type { findFixAttemptContract, recordFixAttemptContract } from '../contracts/fix-attempts.ts';

type Body = z.output<(typeof recordFixAttemptContract)['body']>;
type Query = z.output<(typeof findFixAttemptContract)['query']>;

export function pullRequest({ github_org, repo_name, pr_number }: Body | Query): PullRequest {
  return { githubOrg: github_org, repoName: repo_name, prNumber: pr_number };
}

/** `api_key_used` stays behind here. */
export function newFixAttempt(body: Body): NewFixAttempt {
  return {
    ...pullRequest(body),
    prTitle: body.pr_title,
    prUrl: body.pr_url,
    issueNumber: body.issue_number ?? null,
    issueTitle: body.issue_title ?? null,
    issueUrl: body.issue_url ?? null,
    vulnerabilityId: body.vulnerability_id ?? null,
    metadataJson: body.metadata === undefined ? null : JSON.stringify(body.metadata),
  };
}
