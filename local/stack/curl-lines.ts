import { fixAttemptId } from '../../lib/domain/fix-attempt.ts';

const PULL_REQUEST = { githubOrg: 'acme', repoName: 'web', prNumber: 7 };

/** Hosts of this machine. Without an exemption, curl sends requests for them to the proxy. */
const LOOPBACK = ['localhost', '127.0.0.1', '::1'] as const;

/** Sets the two variables that the calls use. */
export const exportLine = (url: string, apiKey: string): string =>
  `export RSOLV_API=${url} RSOLV_API_KEY=${apiKey}`;

/** Calls to paste into a shell after the export line, in an order that works. */
export function curlLines(): string[] {
  const { githubOrg, repoName, prNumber } = PULL_REQUEST;
  const address = `https://github.com/${githubOrg}/${repoName}/pull/${prNumber}`;
  const key = '-H "x-api-key: $RSOLV_API_KEY"';
  return [
    `curl -s $RSOLV_API/api/v1/usage ${key}`,
    `curl -s $RSOLV_API/api/v1/fix-attempts ${key} --json '{"github_org":"${githubOrg}",`,
    `  "repo_name":"${repoName}","pr_number":${prNumber},"pr_title":"Fix XSS","pr_url":"${address}"}'`,
    `curl -s -X POST ${key} \\`,
    `  $RSOLV_API/api/v1/fix-attempts/${fixAttemptId(PULL_REQUEST)}/billing`,
    `curl -s $RSOLV_API/api/v1/payment-method ${key} \\`,
    `  --json '{"payment_method_id":"pm_card_visa","billing_consent":true}'`,
    `curl -s $RSOLV_API/api/v1/subscription ${key} --json '{"plan":"pro"}'`,
    'curl -s $RSOLV_API/api/v1/customers/onboard ' +
      `--json '{"name":"Ada","email":"ada@acme.dev","source":"direct"}'`,
  ];
}

/** The line that exempts this machine from the shell's proxy. Null if no exemption is needed. */
export function proxyLine(env: NodeJS.ProcessEnv): string | null {
  const proxy = env['http_proxy'] || env['all_proxy'] || env['ALL_PROXY'];
  if (!proxy) return null;
  const exempt = env['no_proxy'] || env['NO_PROXY'] || '';
  return exempt.split(',').some((host) => host.trim() === LOOPBACK[0])
    ? null
    : `export no_proxy=${[exempt, ...LOOPBACK].filter(Boolean).join(',')}`;
}
