import {
  DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateEmailIdentityCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import * as z from 'zod/mini';
import type { Definition } from '../../cli/doctor/definition.ts';
import { attribute, ref } from '../../infrastructure/template.ts';
import { signedPost } from '../../lib/settings/signed-call.ts';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { type Access, environmentOf } from './account.ts';
import { runProgram } from './command-line.ts';
import { type Deployer, outputOf } from './stack.ts';

/** The deployed stage and what it needs around it. */
export interface Scene {
  readonly definition: Definition;
  readonly root: Access;
  /** The address of the API. */
  readonly url: string;
  readonly stripe: { readonly url: string; readonly apiKey: string };
}

const Setup = z.object({
  environment: z.object({ STRIPE_PRO_PRICE_ID: z.string(), STRIPE_WEBHOOK_SECRETS: z.string() }),
});

/** Does the steps after a first deploy: steps 6 and 7 of docs/operate.md, and the identity for mail. */
export async function setUpStage({ definition, root, url, stripe }: Scene): Promise<void> {
  const args = ['--url', url + WEBHOOK_PATH, '--json'];
  const { code, stdout, stderr } = await runProgram('local/stripe-setup/main.ts', args, root, {
    STRIPE_API_BASE: stripe.url,
    STRIPE_SECRET_KEY: stripe.apiKey,
  });
  if (code !== 0) throw new Error(`stripe:setup ended with ${code}: ${stderr}`);
  const { environment } = Setup.parse(JSON.parse(stdout));
  const ssm = new SSMClient(root);
  const parameters = [
    ['stripe-secret-key', 'SecureString', stripe.apiKey],
    ['stripe-webhook-secrets', 'SecureString', environment.STRIPE_WEBHOOK_SECRETS],
    ['stripe-pro-price-id', 'String', environment.STRIPE_PRO_PRICE_ID],
  ] as const;
  for (const [name, Type, Value] of parameters)
    await ssm.send(new PutParameterCommand({ Name: `${definition.parameters}/${name}`, Type, Value }));
  ssm.destroy();
  const ses = new SESv2Client(root);
  await ses.send(new CreateEmailIdentityCommand({ EmailIdentity: definition.noticeIdentity }));
  ses.destroy();
}

/** The findings of `doctor` on a new stage that the emulator causes: its CloudFormation skips these settings. */
export const SKIPPED_TABLE_SETTINGS = ['table-backups', 'table-encryption', 'table-expiry'] as const;

/** Corrects what the emulator's CloudFormation skips, with the calls that `doctor` names. */
export async function completeTable({ definition, root }: Scene): Promise<void> {
  const dynamodb = new DynamoDBClient(root);
  const { tableName: TableName, timeToLiveAttribute: AttributeName } = definition;
  await dynamodb.send(
    new UpdateContinuousBackupsCommand({
      TableName,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    }),
  );
  await dynamodb.send(new UpdateTableCommand({ TableName, SSESpecification: { Enabled: true } }));
  await dynamodb.send(
    new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { AttributeName, Enabled: true } }),
  );
  dynamodb.destroy();
}

const Assumed = z.object({ AccessKeyId: z.string(), SecretAccessKey: z.string(), SessionToken: z.string() });

/** An operator: a role with the operators' policy of the stage, and no other permission. */
export async function assumeOperator(deployer: Deployer, policyArn: string): Promise<Access> {
  const root = deployer.access;
  const stack = await deployer.create('operator', {
    Resources: {
      Operator: {
        Type: 'AWS::IAM::Role',
        Properties: {
          ManagedPolicyArns: [policyArn],
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              {
                Effect: 'Allow',
                Principal: { AWS: ref('AWS::AccountId') },
                Action: 'sts:AssumeRole',
              },
            ],
          },
        },
      },
    },
    Outputs: { Arn: { Value: attribute('Operator', 'Arn') } },
  });
  const response = await signedPost(environmentOf(root), {
    service: 'sts',
    host: 'sts',
    endpoint: root.endpoint,
    path: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: String(
      new URLSearchParams({
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: outputOf(stack, 'Arn'),
        RoleSessionName: 'operator',
      }),
    ),
    timeoutMs: ANSWER_WITHIN_MS,
  });
  const xml = response.body.toString();
  const fields = xml.matchAll(/<(AccessKeyId|SecretAccessKey|SessionToken)>([^<]+)</g);
  const assumed = Assumed.parse(Object.fromEntries([...fields].map(([, name, value]) => [name, value])));
  return {
    ...root,
    credentials: {
      accessKeyId: assumed.AccessKeyId,
      secretAccessKey: assumed.SecretAccessKey,
      sessionToken: assumed.SessionToken,
    },
  };
}

const ANSWER_WITHIN_MS = 10_000;
