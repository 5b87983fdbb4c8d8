import * as z from 'zod/mini';
import { RECORDINGS } from '../../domain/fix-attempt.ts';
import { type Contract, described, httpUrl, nothing, text } from '../contract.ts';

export const MAX_METADATA_BYTES = 16 * 1024;

/** RSOLV-action's older code path sends this if it does not know the repository. */
const PLACEHOLDER = 'unknown';
const known = z.refine<string>((name) => name.toLowerCase() !== PLACEHOLDER, {
  error: `must name the real one, not "${PLACEHOLDER}"`,
});

/** Whether a body does not name the repository. Its fix is then never recorded, and so never billed. */
const namesNoRepository = (body: unknown): boolean => {
  const { success, data } = Named.safeParse(body);
  return (
    success && [data.github_org, data.repo_name].some((name) => String(name).toLowerCase() === PLACEHOLDER)
  );
};

const Named = z.looseObject({ github_org: z.optional(z.unknown()), repo_name: z.optional(z.unknown()) });

const githubOrg = described(
  z
    .string()
    .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,98}$/, 'must be a GitHub organisation or user name'), known),
  `GitHub organisation or user, not "${PLACEHOLDER}". Case does not matter.`,
  'acme',
);
const NO_REPOSITORY = 'must be a GitHub repository name';
const repoName = described(
  z.string().check(
    // Neither "." nor "..": GitHub has no such repository, and in a URL these names lead elsewhere.
    z.regex(/^(\.{0,2}[A-Za-z0-9_-]|\.{3})[A-Za-z0-9._-]{0,99}$/, { error: NO_REPOSITORY, abort: true }),
    z.maxLength(100, NO_REPOSITORY),
    known,
  ),
  `Repository name without the organisation, not "${PLACEHOLDER}". Case does not matter.`,
  'webshop',
);
const prNumber = described(z.int().check(z.positive()), 'Pull request number.', 42);

const metadata = described(
  z.record(z.string(), z.unknown()).check(
    z.refine((value) => Buffer.byteLength(JSON.stringify(value)) <= MAX_METADATA_BYTES, {
      error: `must not be larger than ${MAX_METADATA_BYTES / 1024} KiB`,
    }),
  ),
  `Any JSON object up to ${MAX_METADATA_BYTES / 1024} KiB; stored and returned unchanged.`,
  { scanner: 'semgrep', severity: 'high' },
);

const NewFixAttempt = z.strictObject({
  github_org: githubOrg,
  repo_name: repoName,
  pr_number: prNumber,
  repository_id: z.optional(
    described(
      z.int().check(z.positive()),
      "GitHub's id of the repository. Distinguishes a repository that was created again under an old name.",
      4_711,
    ),
  ),
  pr_title: z.optional(
    described(
      text(500),
      'Title of the pull request. Default: its number.',
      'Fix SQL injection in order search',
    ),
  ),
  pr_url: z.optional(
    described(
      httpUrl(),
      'Address of the pull request. Default: its address on github.com.',
      'https://github.com/acme/webshop/pull/42',
    ),
  ),
  issue_number: z.optional(
    described(z.int().check(z.positive()), 'Number of the issue that the fix resolves.', 17),
  ),
  issue_title: z.optional(described(text(500), 'Title of that issue.', 'SQL injection in order search')),
  issue_url: z.optional(
    described(httpUrl(), 'Address of that issue.', 'https://github.com/acme/webshop/issues/17'),
  ),
  api_key_used: z.optional(
    described(z.string().check(z.maxLength(500)), 'Accepted from RSOLV-action, and ignored.'),
  ),
  metadata: z.optional(metadata),
  vulnerability_id: z.optional(described(text(200), 'Id of the vulnerability that is fixed.', 'CWE-89')),
});

const MergeCostView = z.object({
  kind: described(
    z.enum(['credit', 'charge', 'blocked']),
    'What pays when the pull request is merged now: a credit or the card. `blocked`: neither can.',
  ),
  amount_cents: described(z.int(), 'US cents that would be charged; 0 unless `kind` is `charge`.', 0),
  message: described(
    z.string(),
    'One sentence for the pull request.',
    'Merging this pull request uses 1 of 4 RSOLV credits.',
  ),
});
export type MergeCostView = z.output<typeof MergeCostView>;

const FixAttemptView = z.object({
  id: described(
    z.string(),
    'The same pull request of the same repository always has the same id.',
    'a3f5c1d2e4b60718293a4b5c6d7e8f90',
  ),
  status: described(z.enum(['pending', 'merged']), '`merged` after the fix is billed.'),
  github_org: z.string(),
  repo_name: z.string(),
  pr_number: z.int(),
  repository_id: z.optional(z.int()),
  pr_title: z.string(),
  pr_url: z.string(),
  issue_number: z.optional(z.int()),
  issue_title: z.optional(z.string()),
  issue_url: z.optional(z.string()),
  vulnerability_id: z.optional(z.string()),
  metadata: z.optional(z.record(z.string(), z.unknown())),
  billing_status: described(
    z.enum(['not_billed', 'charging', 'billed', 'refunded']),
    '`charging` while the outcome of a charge is not known; `refunded` after a full refund.',
  ),
  outcome: z.optional(z.enum(['credit_consumed', 'charged_and_consumed'])),
  amount_cents: z.optional(described(z.int(), 'US cents charged; 0 when a credit paid.', 0)),
  billed_at: z.optional(z.iso.datetime()),
  refunded_cents: z.optional(described(z.int(), 'US cents of the charge that were returned.')),
  merge_cost: z.optional(
    described(MergeCostView, 'What merging costs as of now. Only when recording, and not for a billed fix.'),
  ),
  created_at: z.iso.datetime(),
});
export type FixAttemptView = z.output<typeof FixAttemptView>;

const FixBilled = z.object({
  id: z.string(),
  billing_status: z.literal('billed'),
  message: z.enum(['Billed', 'Already billed']),
  outcome: z.enum(['credit_consumed', 'charged_and_consumed']),
  amount_cents: described(z.int(), 'US cents charged for this fix; 0 when a credit paid.', 0),
  credit_balance: described(z.int(), 'Credits left.', 4),
});
export type FixBilled = z.output<typeof FixBilled>;

export const recordFixAttemptContract = {
  operationId: 'recordFixAttempt',
  method: 'POST',
  path: '/api/v1/fix-attempts',
  tag: 'Fixes',
  summary: 'Record a fix attempt',
  description:
    'Called when a pull request with a fix is opened. A repeat for the same pull request returns 200 and ' +
    'the stored attempt. A different `repository_id` makes it a new attempt: a repository that was ' +
    'created again under an old name numbers its pull requests from 1 again. At most 3,200 new attempts a ' +
    'day.',
  access: 'api_key',
  scope: 'fixes',
  params: nothing,
  query: nothing,
  body: NewFixAttempt,
  isLost: namesNoRepository,
  quota: RECORDINGS,
  responses: {
    201: { description: 'Recorded.', schema: FixAttemptView },
    200: { description: 'The stored attempt: it was recorded earlier.', schema: FixAttemptView },
  },
  problems: ['rate_limited', 'ledger_busy'],
} as const satisfies Contract;

export const findFixAttemptContract = {
  operationId: 'findFixAttempt',
  method: 'GET',
  path: '/api/v1/fix-attempts',
  tag: 'Fixes',
  summary: 'Find a fix attempt',
  description: 'Finds your attempt by its pull request. Returns the newest one if several have these names.',
  access: 'api_key',
  scope: 'fixes',
  params: nothing,
  query: z.strictObject({
    github_org: githubOrg,
    repo_name: repoName,
    pr_number: described(z.coerce.number().check(z.int(), z.positive()), 'Pull request number.', 42),
  }),
  body: undefined,
  responses: { 200: { description: 'The attempt.', schema: FixAttemptView } },
  problems: ['fix_attempt_not_found'],
} as const satisfies Contract;

export const billFixAttemptContract = {
  operationId: 'billFixAttempt',
  method: 'POST',
  path: '/api/v1/fix-attempts/{id}/billing',
  tag: 'Fixes',
  summary: 'Bill a merged fix',
  description:
    'Called after the merge. A repeat is safe: a fix costs one credit, once. Takes no body. If no credits ' +
    'are left, the card on file is charged, once for each fix. Without a card, if the card is declined, ' +
    'or if the charge would exceed the spending limit, the call returns 402 and nothing is billed.',
  access: 'api_key',
  scope: 'fixes',
  params: z.strictObject({
    id: described(z.string().check(z.regex(/^[A-Za-z0-9_-]{1,128}$/)), 'Id of the fix attempt.'),
  }),
  query: nothing,
  body: undefined,
  responses: {
    200: { description: 'The fix is billed, by this call or an earlier one.', schema: FixBilled },
  },
  problems: [
    'no_billing_info',
    'card_declined',
    'authentication_required',
    'account_disputed',
    'spending_limit_reached',
    'fix_attempt_not_found',
    'customer_not_found',
    'payment_pending',
    'payments_unavailable',
    'payments_misconfigured',
    'ledger_busy',
  ],
} as const satisfies Contract;
