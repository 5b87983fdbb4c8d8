import type * as z from 'zod/mini';
import type { PullRequest } from '../../domain/fix-attempt.ts';
import type { NewFixAttempt } from '../../operations/fixes/record-fix-attempt.ts';
import type { findFixAttemptContract, recordFixAttemptContract } from '../contracts/fix-attempts.ts';

type Body = z.output<(typeof recordFixAttemptContract)['body']>;
type Query = z.output<(typeof findFixAttemptContract)['query']>;

export function pullRequest({ github_org, repo_name, pr_number }: Body | Query): PullRequest {
  return { githubOrg: github_org, repoName: repo_name, prNumber: pr_number };
}

export const repositoryIdOf = ({ repository_id: id }: Body): number | null => id ?? null;

/** Made of validated parts without URL-reserved characters. */
export const pullRequestUrl = ({ githubOrg, repoName, prNumber }: PullRequest): string =>
  `https://github.com/${githubOrg}/${repoName}/pull/${prNumber}`;

/** Drops `api_key_used`. */
export function newFixAttempt(body: Body): NewFixAttempt {
  const named = pullRequest(body);
  return {
    ...named,
    prTitle: body.pr_title ?? `Pull request ${named.prNumber}`,
    prUrl: body.pr_url ?? pullRequestUrl(named),
    issueNumber: body.issue_number ?? null,
    issueTitle: body.issue_title ?? null,
    issueUrl: body.issue_url ?? null,
    vulnerabilityId: body.vulnerability_id ?? null,
    metadataJson: body.metadata === undefined ? null : JSON.stringify(body.metadata),
  };
}
