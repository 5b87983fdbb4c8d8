import { createServer } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { examine, type Result } from '../../cli/doctor/check.ts';
import { readDefinition } from '../../cli/doctor/definition.ts';
import { openSite, type Site } from '../../cli/doctor/site.ts';
import { openAccount } from '../../cli/preflight/account.ts';
import { PREFLIGHT } from '../../cli/preflight/checks.ts';
import { DEPLOY_RIGHTS } from '../../cli/preflight/rights.ts';
import { freePort } from '../../local/stack/ports.ts';
import { type AwsDouble, startAwsDouble } from '../support/aws-double.ts';
import { CERTIFICATE, DOMAIN } from '../support/aws-double-account.ts';
import { runInShell } from '../support/cli/shell.ts';

const NOW = new Date('2026-12-01T12:00:00Z');
const STAGE = 'production';
const KEY = 'sk_live_preflight';
const SETTINGS = { domainName: DOMAIN, certificateArn: CERTIFICATE, alarmEmail: 'ops@rsolv.example' };
const definition = readDefinition(STAGE, SETTINGS);
const stages = (['dev', 'staging'] as const).map((stage) => readDefinition(stage));

interface World {
  readonly aws: AwsDouble;
  readonly stripeUrl: string;
}

/** An account that is ready for the first deploy, or for the next one. */
async function world({ isDeployed }: { isDeployed: boolean }): Promise<World> {
  const aws = await startAwsDouble(STAGE);
  onTestFinished(() => aws.stop());
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  // The stand-in takes no live key, and the checks only ask whether the key is accepted.
  const stripe = createServer((request, response) => {
    response.writeHead(request.headers.authorization === `Bearer ${KEY}` ? 200 : 401, {
      'content-type': 'application/json',
    });
    response.end('{"object":"list","data":[],"has_more":false}');
  });
  const port = await freePort();
  stripe.listen(port, '127.0.0.1');
  onTestFinished(() => {
    stripe.closeAllConnections();
    stripe.close();
  });
  const { deployment } = aws;
  if (!isDeployed) {
    deployment.stack = null;
    deployment.table = null;
    deployment.parameters = {};
  } else {
    const parameter = deployment.parameters[`${definition.parameters}/stripe-secret-key`];
    if (parameter !== undefined) parameter.Value = KEY;
  }
  return { aws, stripeUrl: `http://127.0.0.1:${port}` };
}

function siteOf({ stripeUrl }: World): Site {
  const dynamodb = new DynamoDBClient({});
  onTestFinished(() => dynamodb.destroy());
  return openSite({ definition, dynamodb, local: null, stripeApiBase: stripeUrl, now: () => NOW });
}

const preflight = (at: World): Promise<Result[]> =>
  examine(PREFLIGHT, openAccount(siteOf(at), stages), { timeoutMs: 20_000, onDone: () => {} });

const notPassed = (results: readonly Result[]) =>
  results
    .filter(({ state }) => state !== 'ok' && state !== 'absent')
    .map(({ id, state }) => `${state} ${id}`);
const detailOf = (results: readonly Result[], id: string) => results.find((one) => one.id === id)?.detail;
const remedyOf = (results: readonly Result[], id: string) => {
  const { advice = '', command = [] } = results.find((one) => one.id === id)?.remedy ?? {};
  return [advice, ...command].join(' ').trim();
};

describe('preflight of an account that is ready', () => {
  it('nothing is wrong before the first deploy, although no parameter is stored', async () => {
    const results = await preflight(await world({ isDeployed: false }));
    expect(notPassed(results)).toEqual([]);
    expect(detailOf(results, 'stripe-webhook-secrets')).toContain('step 9 follows the first deploy');
  });

  it('the parameters are not required after a first deploy that failed and left a stack without the API', async () => {
    const at = await world({ isDeployed: false });
    at.aws.deployment.stack = {
      status: 'UPDATE_ROLLBACK_COMPLETE',
      isProtected: false,
      outputs: { ServerlessDeploymentBucketName: 'bucket' },
      resources: { ServerlessDeploymentBucket: 'bucket' },
    };
    const results = await preflight(at);
    expect(notPassed(results)).toEqual([]);
    expect(detailOf(results, 'stripe-webhook-secrets')).toContain('step 9 follows the first deploy');
  });

  it('nothing is wrong before the next deploy, and the same checks as doctor read the parameters', async () => {
    const results = await preflight(await world({ isDeployed: true }));
    expect(notPassed(results)).toEqual([]);
    expect(detailOf(results, 'stripe-access')).toBe('yes');
  });

  it('preflight calls nothing that changes an account', async () => {
    const at = await world({ isDeployed: true });
    await preflight(at);
    expect(at.aws.calls.filter((call) => !/^(?:Describe|Get|List|Simulate)/.test(call))).toEqual([]);
  });
});

interface Fault {
  readonly check: string;
  readonly fault: string;
  readonly inject: (aws: AwsDouble) => unknown;
  readonly detail: RegExp;
  readonly remedy: RegExp;
  readonly isFirst?: boolean;
}

const FAULTS: readonly Fault[] = [
  {
    check: 'rights',
    fault: 'the deployer may not create log groups',
    inject: ({ deployment }) => deployment.account.forbidden.add('logs:CreateLogGroup'),
    detail: /^arn:aws:iam::123456789012:role\/people\/deployer may not: logs:CreateLogGroup$/,
    remedy: /step 1/,
  },
  {
    check: 'concurrency',
    fault: 'the account has the concurrency of a new one',
    inject: ({ deployment }) => {
      deployment.account.concurrency = { total: 10, unreserved: 10 };
    },
    detail: /^this deploy reserves \d\d more of 10 .*100 must remain$/,
    remedy: /aws service-quotas request-service-quota-increase/,
    isFirst: true,
  },
  {
    check: 'stack-ready',
    fault: 'an update could not be rolled back',
    inject: ({ deployment }) => {
      if (deployment.stack !== null) deployment.stack.status = 'UPDATE_ROLLBACK_FAILED';
    },
    detail: /UPDATE_ROLLBACK_FAILED/,
    remedy: /continue-update-rollback/,
  },
  {
    check: 'stack-ready',
    fault: 'another deploy is under way',
    inject: ({ deployment }) => {
      if (deployment.stack !== null) deployment.stack.status = 'UPDATE_IN_PROGRESS';
    },
    detail: /UPDATE_IN_PROGRESS/,
    remedy: /Wait/,
  },
  {
    check: 'kept',
    fault: 'the stack is gone and its table and logs are kept',
    inject: ({ deployment }) => {
      deployment.stack = null;
      deployment.account.logGroups = [
        '/aws/lambda/rsolv-billing-production-adjust-credits',
        '/aws/lambda/rsolv-billing-production-renamed-long-ago',
      ];
    },
    detail: /fails: the table rsolv-billing-production, the log group \S+-adjust-credits$/,
    remedy: /"A stack around a kept table"/,
  },
  {
    check: 'kept',
    fault: 'the vault of an earlier stack is kept',
    inject: ({ deployment }) => {
      deployment.account.vaults['us-east-1 rsolv-billing-production'] = { Locked: true };
    },
    detail: /the vault rsolv-billing-production$/,
    remedy: /"A stack around a kept table"/,
  },
  {
    check: 'certificate',
    fault: 'the certificate is not issued',
    inject: ({ deployment: { account } }) => {
      if (account.certificate !== null) account.certificate.Status = 'PENDING_VALIDATION';
    },
    detail: /not issued yet/,
    remedy: /aws acm describe-certificate/,
  },
  {
    check: 'certificate',
    fault: 'the certificate is for another domain',
    inject: ({ deployment: { account } }) => {
      if (account.certificate !== null) account.certificate.SubjectAlternativeNames = ['rsolv.dev'];
    },
    detail: /not for billing\.rsolv\.dev/,
    remedy: /aws acm request-certificate --domain-name billing\.rsolv\.dev/,
  },
  {
    check: 'certificate',
    fault: 'the certificate cannot be renewed',
    inject: ({ deployment: { account } }) => {
      if (account.certificate !== null) account.certificate.RenewalSummary = { RenewalStatus: 'FAILED' };
    },
    detail: /not renewed: FAILED/,
    remedy: /leave them there/,
  },
  {
    check: 'certificate',
    fault: 'there is no such certificate',
    inject: ({ deployment: { account } }) => {
      account.certificate = null;
    },
    detail: /there is no certificate/,
    remedy: /request-certificate/,
  },
  {
    check: 'mail-account',
    fault: 'the account is in the sandbox of SES',
    inject: ({ deployment }) => {
      deployment.mailAccount.ProductionAccessEnabled = false;
    },
    detail: /sandbox/,
    remedy: /production access/,
  },
  {
    check: 'mail-sender',
    fault: 'SES does not know the sender',
    inject: ({ deployment }) => {
      deployment.identities = {};
    },
    detail: /does not know rsolv\.dev/,
    remedy: /create-email-identity/,
  },
  {
    check: 'stripe-secret-key',
    fault: 'a deployed stage has lost a parameter',
    inject: ({ deployment }) => {
      delete deployment.parameters[`${definition.parameters}/stripe-secret-key`];
    },
    detail: /missing/,
    remedy: /put-parameter/,
  },
  {
    check: 'copy-vault',
    fault: 'the stack of the copies was not deployed',
    inject: ({ deployment }) => {
      deployment.account.vaults = {};
    },
    detail: /no vault rsolv-billing-production in us-west-2/,
    remedy: /aws cloudformation deploy --template-file infrastructure\/copies\.yml .* --region us-west-2/,
  },
  {
    check: 'copy-vault',
    fault: 'the vault of the copies is not locked',
    inject: ({ deployment }) => {
      deployment.account.vaults = { 'us-west-2 rsolv-billing-production': { Locked: false } };
    },
    detail: /not locked/,
    remedy: /copies\.yml/,
  },
  {
    check: 'backup-settings',
    fault: 'AWS Backup does not manage backups of DynamoDB',
    inject: ({ deployment }) => {
      deployment.account.backupSettings.management = false;
    },
    detail: /without copies/,
    remedy: /update-region-settings/,
  },
];

describe('preflight of an account with a fault', () => {
  it.each(FAULTS)(
    'preflight finds that $fault',
    async ({ check, inject, detail, remedy, isFirst = false }) => {
      const at = await world({ isDeployed: !isFirst });
      inject(at.aws);
      const results = await preflight(at);
      expect(notPassed(results).filter((one) => one.startsWith('wrong'))).toEqual([`wrong ${check}`]);
      expect(detailOf(results, check)).toMatch(detail);
      expect(remedyOf(results, check)).toMatch(remedy);
    },
  );

  it('every fault is in one report', async () => {
    const at = await world({ isDeployed: true });
    for (const { inject } of FAULTS) inject(at.aws);
    const wrong = notPassed(await preflight(at)).filter((one) => one.startsWith('wrong'));
    expect(wrong.length).toBeGreaterThan(6);
  });
});

describe('the concurrency of an account', () => {
  it('what the stage reserves already is not counted twice', async () => {
    const at = await world({ isDeployed: true });
    at.aws.deployment.account.concurrency = { total: 200, unreserved: 110 };
    at.aws.deployment.account.reserved = Object.fromEntries(definition.reservations);
    expect(detailOf(await preflight(at), 'concurrency')).toContain('200, 110 without a reservation');
  });

  it('a stage that no longer fits beside this one is named', async () => {
    const at = await world({ isDeployed: true });
    at.aws.deployment.account.concurrency = { total: 155, unreserved: 155 };
    const results = await preflight(at);
    expect(notPassed(results)).toEqual([]);
    expect(detailOf(results, 'concurrency')).toMatch(
      /No room then in this account for dev \(\d+\), staging \(\d+\)$/,
    );
  });
});

describe("the deployer's rights", () => {
  it('an identity that may not ask about its rights makes the check unknown, and stops nothing', async () => {
    const at = await world({ isDeployed: true });
    at.aws.deployment.denied.add('SimulatePrincipalPolicy');
    const results = await preflight(at);
    expect(notPassed(results)).toEqual(['unknown rights']);
    expect(detailOf(results, 'rights')).toContain('not authorized to perform: SimulatePrincipalPolicy');
  });

  it('a decision that depends on the circumstances of a call is not called a denial', async () => {
    const at = await world({ isDeployed: true });
    at.aws.deployment.account.undecided.add('iam:CreateRole');
    expect(notPassed(await preflight(at))).toEqual([]);
  });

  it('the account itself may do everything, so that nothing is asked', async () => {
    const at = await world({ isDeployed: true });
    at.aws.deployment.account.callerArn = 'arn:aws:iam::123456789012:root';
    expect(detailOf(await preflight(at), 'rights')).toBe('the account itself');
    expect(at.aws.calls).not.toContain('SimulatePrincipalPolicy');
  });

  it('a role that may not be read is asked about without its path', async () => {
    const at = await world({ isDeployed: true });
    at.aws.deployment.account.roles = {};
    expect(detailOf(await preflight(at), 'rights')).toBe(
      'arn:aws:iam::123456789012:role/deployer may deploy',
    );
  });

  it('rights to the resources of the stage alone are enough, except where AWS supports none', () => {
    const place = {
      partition: 'aws',
      account: '123456789012',
      region: 'us-east-1',
      stack: 'rsolv-billing-dev',
    };
    const everything = DEPLOY_RIGHTS.filter(({ resource }) => resource(place) === '*');
    expect(new Set(everything.map(({ service }) => service))).toEqual(new Set(['CloudWatch Logs', 'SES']));
  });
});

describe('the command preflight', () => {
  const run = (at: World, ...args: string[]) =>
    runInShell(['preflight', '--stage', STAGE, ...args], { env: { STRIPE_API_BASE: at.stripeUrl } });
  const params = Object.entries(SETTINGS).flatMap(([name, value]) => ['--param', `${name}=${value}`]);

  it('preflight exits with 0, and says that the stage can be deployed', async () => {
    const { code, stdout } = await run(await world({ isDeployed: true }), ...params);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^production can be deployed: \d+ checks/m)]);
  });

  it('preflight exits with 1 and one document for a setting that is missing', async () => {
    const { code, stdout } = await run(await world({ isDeployed: true }), '--json');
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { verdict: 'not_fit' }]);
  });

  it('a local stack needs no preflight', async () => {
    const { code, stdout } = await runInShell(['preflight', '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([2, { error: { code: 'usage' } }]);
  });
});
