import { fixAttemptId } from '../../lib/domain/fix-attempt.ts';

const PULL_REQUEST = { githubOrg: 'acme', repoName: 'webshop', prNumber: 7 };

/** Longer than any month, so that a subscription renews. */
const A_MONTH_SECONDS = 31 * 24 * 60 * 60;

/**
 * One call for each thing that the API does, ready to be pasted into a shell, in an order that works. `doubleUrl` is where
 * the Stripe double is, if the stack runs one.
 */
export function curlLines(url: string, apiKey: string, doubleUrl: string | null): string[] {
  const { githubOrg, repoName, prNumber } = PULL_REQUEST;
  const repository = `https://github.com/${githubOrg}/${repoName}`;
  const fix = {
    github_org: githubOrg,
    repo_name: repoName,
    pr_number: prNumber,
    pr_title: 'Fix SQL injection in search',
    pr_url: `${repository}/pull/${prNumber}`,
  };
  const lookUp = `github_org=${githubOrg}&repo_name=${repoName}&pr_number=${prNumber}`;
  const id = fixAttemptId(PULL_REQUEST);

  const key = `-H 'x-api-key: ${apiKey}'`;
  // The example texts have no quote in them that the shell would end the body at.
  const json = (body: object) => `-H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
  const line = (what: string, address: string, ...options: string[]) => [
    `# ${what}`,
    ['curl -s', ...options, `'${address}'`].join(' '),
  ];
  const call = (what: string, path: string, ...options: string[]) => line(what, url + path, ...options);
  const clock =
    doubleUrl === null
      ? []
      : line(
          'move the clock of the Stripe double by a month; what is due by then happens',
          `${doubleUrl}/_double/clock`,
          json({ seconds: A_MONTH_SECONDS }),
        );

  return [
    ...call(
      'record a fix attempt, as RSOLV-action does with each pull request',
      '/api/v1/fix-attempts',
      key,
      json(fix),
    ),
    ...call('look it up by its pull request', `/api/v1/fix-attempts?${lookUp}`, key),
    ...call(
      'bill it, as after the merge; any number of times',
      `/api/v1/fix-attempts/${id}/billing`,
      '-X POST',
      key,
    ),
    ...call(
      'add a card (pm_card_chargeCustomerFail is one that is declined)',
      '/api/v1/payment-method',
      key,
      json({ payment_method_id: 'pm_card_visa', billing_consent: true }),
    ),
    ...call('subscribe to Pro', '/api/v1/subscription', key, json({ plan: 'pro' })),
    ...call(
      'cancel at the end of the month; with false: now',
      '/api/v1/subscription?at_period_end=true',
      '-X DELETE',
      key,
    ),
    ...clock,
    ...call('the balance and the newest entries', '/api/v1/usage', key),
    ...call('the whole statement', '/api/v1/transactions?limit=10', key),
    ...call('one more API key; the old one stays valid until revoked', '/api/v1/api-keys', '-X POST', key),
    ...call('prices', '/api/v1/pricing'),
    ...call(
      'a customer of your own',
      '/api/v1/customers/onboard',
      json({ name: 'Ada Lovelace', email: 'ada@rsolv.dev', source: 'direct' }),
    ),
    ...call('the API in OpenAPI; to read it: open /docs in a browser', '/openapi.json'),
  ];
}
