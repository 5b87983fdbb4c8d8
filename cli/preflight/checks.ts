import { DescribeRegionSettingsCommand } from '@aws-sdk/client-backup';
import { GetAccountSettingsCommand } from '@aws-sdk/client-lambda';
import { vaultName } from '../../infrastructure/backup.ts';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import { type Check, type Finding, ok, wrong } from '../doctor/check.ts';
import type { Definition } from '../doctor/definition.ts';
import { CERTIFICATE, DOMAIN_SETTING } from '../doctor/domain-checks.ts';
import { MAIL_CHECKS } from '../doctor/service-checks.ts';
import type { Site } from '../doctor/site.ts';
import { PARAMETER_CHECKS } from '../doctor/stripe-checks.ts';
import { findKept, KIND_OF, readVault } from '../recovery/kept.ts';
import type { Account } from './account.ts';
import { BACKUP_RIGHTS, DEPLOY_RIGHTS, DOMAIN_RIGHTS } from './rights.ts';

/** Lambda keeps this much of the account's concurrency for functions without a reservation. */
const UNRESERVED_MINIMUM = 100;

const PARAMETERS = ['stripe-secret-key', 'stripe-webhook-secrets', 'stripe-pro-price-id'] as const;

const absentWithoutCopies = ({ definition: { service } }: Site): string | null =>
  service.copyRegion === '' ? 'the stage has no backup plan' : null;

/** What would make a deploy fail half-way, or make a stage that cannot do its work. */
export const PREFLIGHT: readonly Check<Account>[] = [
  { id: 'rights', title: "The deployer's rights", run: rights },
  { id: 'stack-ready', title: 'Stack', run: stackReady },
  { id: 'kept', title: 'Kept from an earlier stack', run: keptResources },
  { id: 'concurrency', title: 'Concurrency of the account', run: concurrency },
  {
    id: 'recipients',
    title: 'Recipients of alarms',
    run: async ({ definition: { stage, service } }) => {
      const recipients = [service.alarmEmail, service.pagerUrl].filter((one) => one !== '');
      if (recipients.length > 0) return ok(recipients.join(', '));
      if (!isLiveStage(stage)) return ok(`none, which is enough for ${stage}`);
      return wrong('none', {
        advice: `Set alarmEmail or pagerUrl of ${stage}, under params in serverless.yml.`,
      });
    },
  },
  DOMAIN_SETTING,
  CERTIFICATE,
  ...PARAMETER_CHECKS.map(beforeFirstDeploy),
  ...MAIL_CHECKS,
  { id: 'copy-vault', title: 'Vault of the copies', absentReason: absentWithoutCopies, run: copyVault },
  {
    id: 'backup-settings',
    title: 'AWS Backup of DynamoDB',
    absentReason: absentWithoutCopies,
    run: backupSettings,
  },
];

/** Every denied action in one finding, because one person grants them. */
async function rights(account: Account): Promise<Finding> {
  const { service, stackName } = account.definition;
  const { principal, ...place } = await account.caller();
  if (principal === null) return ok('the account itself');
  const needed = [
    ...DEPLOY_RIGHTS,
    ...(service.copyRegion === '' ? [] : BACKUP_RIGHTS),
    ...(service.domainName === '' ? [] : DOMAIN_RIGHTS),
  ];
  const denied: string[] = [];
  for (const one of needed)
    denied.push(...(await account.denied(principal, { ...place, stack: stackName }, one)));
  if (denied.length === 0) return ok(`${principal} may deploy`);
  return wrong(`${principal} may not: ${[...new Set(denied)].join(', ')}`, {
    advice: 'Let this identity do that, or deploy with another one: step 1 in docs/operate.md.',
  });
}

/** States in which CloudFormation starts no update, by what to do. */
const STUCK: Readonly<Record<string, string>> = {
  CREATE_FAILED: 'delete-stack',
  DELETE_FAILED: 'delete-stack',
  REVIEW_IN_PROGRESS: 'delete-stack',
  ROLLBACK_COMPLETE: 'delete-stack',
  ROLLBACK_FAILED: 'delete-stack',
  UPDATE_ROLLBACK_FAILED: 'continue-update-rollback',
};

async function stackReady(account: Account): Promise<Finding> {
  const { stackName } = account.definition;
  const stack = await account.stack();
  if (stack === null) return ok(`${stackName} does not exist yet`);
  const command = STUCK[stack.status];
  if (command !== undefined) {
    return wrong(`${stackName} is ${stack.status}, so it cannot be updated`, {
      command: [`aws cloudformation ${command}`, `--stack-name ${stackName}`],
    });
  }
  if (stack.status.endsWith('_IN_PROGRESS')) {
    return wrong(`${stackName} is ${stack.status}`, { advice: 'Wait until that has ended.' });
  }
  return ok(`${stackName}, ${stack.status}`);
}

/** A new stack cannot create what exists, and would fail after it has created everything else. */
async function keptResources(account: Account): Promise<Finding> {
  const kept = await findKept(account);
  if (kept.length === 0) return ok('nothing');
  const named = kept.map(({ type, name }) => `${KIND_OF[type]} ${name}`);
  return wrong(`outside of the stack, so that a deploy fails: ${named.join(', ')}`, {
    advice: 'Bring them into the stack: "A stack around a kept table" in docs/operate.md.',
  });
}

/** Whether this stage fits beside what is reserved, and which other stage would not fit then. */
async function concurrency(account: Account): Promise<Finding> {
  const { AccountLimit: limit } = await account.lambda.send(new GetAccountSettingsCommand({}));
  const { ConcurrentExecutions: total = 0, UnreservedConcurrentExecutions: free = 0 } = limit ?? {};
  const adds = await addsOf(account, account.definition);
  const left = free - adds;
  if (left < UNRESERVED_MINIMUM) {
    return wrong(
      `this deploy reserves ${adds} more of ${free} that are not reserved; ${UNRESERVED_MINIMUM} must remain`,
      {
        advice: `The account has ${total} in all. Request more, which can take days:`,
        command: [
          'aws service-quotas request-service-quota-increase',
          '--service-code lambda --quota-code L-B99A9384',
          '--desired-value 1000',
        ],
      },
    );
  }
  const tooLarge: string[] = [];
  for (const other of account.stages) {
    if (other.stage === account.definition.stage) continue;
    const more = await addsOf(account, other);
    if (left - more < UNRESERVED_MINIMUM) tooLarge.push(`${other.stage} (${more})`);
  }
  const others = tooLarge.length === 0 ? '' : `. No room then in this account for ${tooLarge.join(', ')}`;
  return ok(`${total}, ${left} without a reservation after this deploy${others}`);
}

/** What a deploy of the stage reserves beyond what its functions reserve now. */
async function addsOf(account: Account, { reservations }: Definition): Promise<number> {
  const added = await Promise.all(
    [...reservations].map(async ([name, count]) => count - (await account.reserved(name))),
  );
  return added.reduce((sum, one) => sum + one, 0);
}

/**
 * The parameters follow the first deploy, because Stripe's secret needs the address of the API. A first
 * deploy that failed can leave a stack without that address.
 */
function beforeFirstDeploy(check: Check<Site>): Check<Account> {
  const parameter = PARAMETERS.find((name) => name === check.id) ?? 'stripe-secret-key';
  return {
    ...check,
    run: async (account) => {
      const apiUrl = (await account.stack())?.apiUrl ?? null;
      if (apiUrl === null && (await account.parameter(parameter)) === null) {
        return ok('not stored yet: step 9 follows the first deploy');
      }
      return check.run(account);
    },
  };
}

/** The vault in the other region. One in another account cannot be read from here. */
async function copyVault({ copies, definition: { service } }: Account): Promise<Finding> {
  const name = vaultName(service);
  const { copyRegion, copyAccount } = service;
  if (copies === null) throw new Error('the stage has no backup plan');
  if (copyAccount !== '') {
    throw new Error(
      `the account ${copyAccount} answers its own identities only; look there for the vault ${name}`,
    );
  }
  const vault = await readVault(copies, name);
  if (vault === null) return wrong(`there is no vault ${name} in ${copyRegion}`, deployCopies(service));
  if (vault.Locked === true) return ok(`${name} in ${copyRegion}, locked`);
  return wrong(`${name} in ${copyRegion} is not locked: one call deletes a copy`, deployCopies(service));
}

const deployCopies = ({ name, stage, copyRegion }: Definition['service']) => ({
  advice: 'Deploy the stack of the copies:',
  command: [
    'aws cloudformation deploy',
    '--template-file infrastructure/copies.yml',
    `--stack-name ${name}-${stage}-copies`,
    `--region ${copyRegion}`,
    '--capabilities CAPABILITY_NAMED_IAM',
    `--parameter-overrides Stage=${stage}`,
  ],
});

/** Only a backup that AWS Backup manages itself can be copied to another region. */
async function backupSettings({ backup }: Account): Promise<Finding> {
  const { ResourceTypeOptInPreference: optIn, ResourceTypeManagementPreference: management } =
    await backup.send(new DescribeRegionSettingsCommand({}));
  const isOn = optIn?.['DynamoDB'] === true && management?.['DynamoDB'] === true;
  if (isOn) return ok('on, with copies');
  return wrong('off, or without copies to other regions', {
    command: [
      'aws backup update-region-settings',
      '--resource-type-opt-in-preference DynamoDB=true',
      '--resource-type-management-preference DynamoDB=true',
    ],
  });
}
