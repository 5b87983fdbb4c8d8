import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as z from 'zod/mini';
import { ACCOUNT_SETTINGS } from '../../cli/doctor/account-settings.ts';
import { examine as examineChecks, ok, type Result, verdictOf } from '../../cli/doctor/check.ts';
import { CHECKLIST, diagnose } from '../../cli/doctor/checklist.ts';
import { readDefinition } from '../../cli/doctor/definition.ts';
import { storeParameter } from '../../cli/doctor/remedies.ts';
import { openSite, type Site } from '../../cli/doctor/site.ts';
import { registerRunningStack } from '../../cli/stage/running.ts';
import { ensureExpiry, ensureTable } from '../../cli/stage/table.ts';
import type { DeployedService } from '../../infrastructure/service.ts';
import { NO_SOLD_PRICES } from '../../lib/domain/plans.ts';
import { pricingView } from '../../lib/http/views/account.ts';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { ensurePortalConfiguration } from '../../lib/stripe/setup/portal.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { ensureWebhookEndpoint, listWebhookEndpoints } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { startEngine } from '../../local/stack/engine.ts';
import { freePort } from '../../local/stack/ports.ts';
import { startStripeDouble } from '../../local/stripe-double/server.ts';
import { ALARM_EMAIL, type AwsDouble, definitionOf, startAwsDouble } from '../support/aws-double.ts';
import { CERTIFICATE, DOMAIN } from '../support/aws-double-account.ts';
import { runInShell } from '../support/cli/shell.ts';
import { TEST_CREDENTIALS } from '../support/table.ts';

const KEY = 'sk_test_doctor';
/** The secrets of these tests, and the malformed values in their place. */
const SECRETS = /sk_\w+_(doctor|rolled)|whsec_(one|two)|hunter2/;
const STAGE = 'staging';
/** What serverless.yml gives to production only. */
const ABSENT_ON_STAGING = ['certificate', 'domain', 'copies'];

/** A healthy stage: at AWS, with its API, and at Stripe. */
interface TestStage {
  readonly aws: AwsDouble;
  readonly stripe: ReturnType<typeof openSetupStripe>;
  readonly stripeUrl: string;
  readonly webhookUrl: string;
  readonly endpointId: string;
  readonly priceId: string;
  parameter(name: string): { Type: string; Value: string };
}

async function healthyStage(stage = STAGE): Promise<TestStage> {
  const aws = await startAwsDouble(stage);
  onTestFinished(() => aws.stop());
  const double = await startStripeDouble({ apiKey: KEY, deliveryAttempts: 1 });
  onTestFinished(() => double.stop());
  const stripe = openSetupStripe(KEY, double.url);
  const webhookUrl = aws.url + WEBHOOK_PATH;
  const { id: priceId } = (await ensureProPrice(stripe)).price;
  await ensurePortalConfiguration(stripe);
  const { id: endpointId } = await ensureWebhookEndpoint(stripe, webhookUrl);
  const parameter = (name: string) => {
    const found = aws.deployment.parameters[`/rsolv-billing/${stage}/${name}`];
    if (found === undefined) throw new Error(`no parameter ${name}`);
    return found;
  };
  parameter('stripe-secret-key').Value = KEY;
  parameter('stripe-pro-price-id').Value = priceId;
  return { aws, stripe, stripeUrl: double.url, webhookUrl, endpointId, priceId, parameter };
}

function siteOf({ aws, stripeUrl }: TestStage, stage: string, more: Partial<DeployedService> = {}): Site {
  Object.assign(process.env, aws.env);
  const dynamodb = new DynamoDBClient({});
  const settings = { domainName: DOMAIN, certificateArn: CERTIFICATE, copyRegion: 'us-west-2', ...more };
  const { service, ...rest } = definitionOf(stage);
  const definition = { ...rest, service: { ...service, ...settings }, alarmEmail: ALARM_EMAIL };
  const now = () => new Date();
  return openSite({ definition, dynamodb, local: null, stripeApiBase: stripeUrl, now });
}

const examine = (
  testStage: TestStage,
  stage = STAGE,
  settings: Partial<DeployedService> = {},
): Promise<Result[]> => diagnose(siteOf(testStage, stage, settings), () => {});

const idsOf = (results: readonly Result[], ...states: Result['state'][]) =>
  results.filter(({ state }) => states.includes(state)).map(({ id }) => id);

const tableOf = ({ aws }: TestStage) => {
  const { table } = aws.deployment;
  if (table === null) throw new Error('no table');
  return table;
};
const stackOf = ({ aws }: TestStage) => {
  const { stack } = aws.deployment;
  if (stack === null) throw new Error('no stack');
  return stack;
};

interface Fault {
  /** The id of the check that finds the fault. */
  readonly check: string;
  readonly fault: string;
  readonly inject: (testStage: TestStage) => unknown;
  /** Other settings in serverless.yml. */
  readonly settings?: Partial<DeployedService>;
  readonly detail: RegExp;
  /** Default: any remedy. */
  readonly remedy?: RegExp;
}

/** A deploy compares templates, so it does not recreate a resource that was deleted by hand. */
const RECREATE =
  /^A deploy does not recreate it: see "What was deleted by hand".* npx serverless deploy --stage staging$/;

const FAULTS: readonly Fault[] = [
  {
    check: 'table',
    fault: 'there is no table',
    inject: ({ aws }) => {
      aws.deployment.table = null;
    },
    detail: /no table rsolv-billing-staging/,
    remedy: /If it existed before, do not deploy: see "Restore from backup"/,
  },
  {
    check: 'table-keys',
    fault: 'the index is missing',
    inject: (testStage) => {
      tableOf(testStage).GlobalSecondaryIndexes = [];
    },
    detail: /index due .* is missing/,
  },
  {
    check: 'table-keys',
    fault: 'the sort key is different',
    inject: (testStage) => {
      tableOf(testStage).KeySchema = [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'seq', KeyType: 'RANGE' },
      ];
    },
    detail: /key RANGE sk is missing; key RANGE seq is unexpected/,
  },
  {
    check: 'table-backups',
    fault: 'point-in-time recovery is off',
    inject: ({ aws }) => {
      aws.deployment.pointInTimeRecovery = false;
    },
    detail: /off/,
  },
  {
    check: 'table-deletion-protection',
    fault: 'deletion protection is off',
    inject: (testStage) => {
      tableOf(testStage).DeletionProtectionEnabled = false;
    },
    detail: /off/,
  },
  {
    check: 'table-encryption',
    fault: 'the table is not encrypted with a KMS key',
    inject: (testStage) => {
      delete tableOf(testStage).SSEDescription;
    },
    detail: /KMS/,
  },
  {
    check: 'table-expiry',
    fault: 'expiry is off',
    inject: ({ aws }) => {
      aws.deployment.timeToLive = { TimeToLiveStatus: 'DISABLED' };
    },
    detail: /nothing ever expires/,
  },
  {
    check: 'table-expiry',
    fault: 'items expire by another attribute',
    inject: ({ aws }) => {
      aws.deployment.timeToLive = { TimeToLiveStatus: 'ENABLED', AttributeName: 'due_at' };
    },
    detail: /by due_at, not by expires_at/,
  },
  {
    check: 'table-stream',
    fault: 'there is no stream',
    inject: (testStage) => {
      delete tableOf(testStage).StreamSpecification;
    },
    detail: /no notice is sent/,
    remedy: /^aws dynamodb update-table .* StreamEnabled=true,StreamViewType=NEW_IMAGE$/,
  },
  {
    check: 'table-stream',
    fault: 'the stream has only keys',
    inject: (testStage) => {
      tableOf(testStage).StreamSpecification = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' };
    },
    detail: /KEYS_ONLY, not NEW_IMAGE/,
    remedy: /StreamEnabled=false && aws .* StreamEnabled=true,StreamViewType=NEW_IMAGE$/,
  },
  {
    check: 'stream-delivery',
    fault: 'no function reads the stream',
    inject: ({ aws }) => {
      aws.deployment.eventSourceMappings = [];
    },
    detail: /rsolv-billing-staging-deliver-notices reads no stream/,
  },
  {
    check: 'stream-delivery',
    fault: 'the function reads the stream of a replaced table',
    inject: (testStage) => {
      tableOf(testStage).LatestStreamArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2';
    },
    detail: /another table's stream/,
    remedy: /"Restore from backup" in docs\/operate\.md/,
  },
  {
    check: 'stream-delivery',
    fault: 'delivery is paused',
    inject: ({ aws }) => {
      for (const mapping of aws.deployment.eventSourceMappings) mapping.State = 'Disabled';
    },
    detail: /Disabled/,
  },
  {
    check: 'stack',
    fault: 'the stack is not deployed',
    inject: ({ aws }) => {
      aws.deployment.stack = null;
    },
    detail: /no stack rsolv-billing-staging/,
  },
  {
    check: 'stack',
    fault: 'the stack has no API address',
    inject: (testStage) => {
      stackOf(testStage).outputs = {};
    },
    detail: /no output ApiUrl/,
  },
  {
    check: 'stack-state',
    fault: 'the last deploy was rolled back',
    inject: (testStage) => {
      stackOf(testStage).status = 'UPDATE_ROLLBACK_COMPLETE';
    },
    detail: /UPDATE_ROLLBACK_COMPLETE/,
  },
  {
    check: 'domain-setting',
    fault: 'the domain has no certificate',
    inject: () => {},
    settings: { certificateArn: '' },
    detail: /^billing\.rsolv\.dev has no certificate$/,
  },
  {
    check: 'certificate',
    fault: 'the certificate is in another region',
    inject: () => {},
    settings: { certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/1' },
    detail: /is not in us-east-1/,
    remedy: /aws acm request-certificate/,
  },
  {
    check: 'certificate',
    fault: 'the certificate was not renewed',
    inject: ({ aws }) => {
      const { certificate } = aws.deployment.account;
      if (certificate !== null) certificate.RenewalSummary = { RenewalStatus: 'FAILED' };
    },
    detail: /not renewed: FAILED/,
    remedy: /aws acm describe-certificate/,
  },
  {
    check: 'domain',
    fault: 'the gateway has no such domain',
    inject: ({ aws }) => {
      aws.deployment.account.domain = null;
    },
    detail: /does not know billing\.rsolv\.dev/,
  },
  {
    check: 'domain',
    fault: 'the domain has another certificate',
    inject: ({ aws }) => {
      aws.deployment.account.domain = { CertificateArn: 'other', DomainNameStatus: 'AVAILABLE' };
    },
    detail: /uses the certificate other/,
  },
  {
    check: 'domain',
    fault: 'the domain leads to another API',
    inject: ({ aws }) => {
      aws.deployment.account.mappings = [{ ApiId: 'old' }];
    },
    detail: /does not lead to the API api1/,
  },
  {
    check: 'domain',
    fault: 'the domain leads to the API only below a path',
    inject: ({ aws }) => {
      aws.deployment.account.mappings = [{ ApiId: 'api1', ApiMappingKey: 'v1' }];
    },
    detail: /does not lead to the API api1/,
  },
  {
    check: 'copies',
    fault: 'the newest copy is two days old',
    inject: ({ aws }) => {
      for (const job of aws.deployment.account.copyJobs) job.CreationDate -= 172_800;
    },
    detail: /^none in 28 hours$/,
    remedy: /"Copies in another region"/,
  },
  {
    check: 'copies',
    fault: 'last night no copy was made',
    inject: ({ aws }) => {
      for (const job of aws.deployment.account.copyJobs)
        Object.assign(job, { State: 'FAILED', StatusMessage: 'no vault' });
    },
    detail: /^none in 28 hours: no vault$/,
  },
  {
    check: 'stack-protection',
    fault: 'the stack can be deleted',
    inject: (testStage) => {
      stackOf(testStage).isProtected = false;
    },
    detail: /^off: one call deletes the API$/,
    remedy: /aws cloudformation update-termination-protection --enable-termination-protection/,
  },
  ...readDefinition(STAGE)
    .alarms.slice(0, 3)
    .map(
      (alarm): Fault => ({
        check: 'alarms',
        fault: `the alarm ${alarm} is missing`,
        inject: ({ aws }) => {
          aws.deployment.alarms = aws.deployment.alarms.filter(({ AlarmName }) => AlarmName !== alarm);
        },
        detail: new RegExp(`^missing: ${alarm}$`),
        remedy: RECREATE,
      }),
    ),
  {
    check: 'alarm-address',
    fault: 'the alarm address is not subscribed',
    inject: (testStage) => {
      delete stackOf(testStage).resources['AlarmEmail'];
    },
    detail: /ops@rsolv\.example is not subscribed/,
  },
  {
    check: 'alarm-address',
    fault: 'the alarm address is not confirmed',
    inject: ({ aws }) => {
      for (const one of aws.deployment.subscriptions) one.SubscriptionArn = 'PendingConfirmation';
    },
    detail: /ops@rsolv\.example has not confirmed the subscription/,
    remedy:
      /aws sns subscribe --topic-arn arn:\S+:alarms --protocol email --notification-endpoint ops@rsolv\.example/,
  },
  {
    check: 'alarm-address',
    fault: 'only another address has confirmed',
    inject: ({ aws }) => {
      for (const one of aws.deployment.subscriptions) one.Endpoint = 'old-ops@rsolv.example';
    },
    detail: /the subscription of ops@rsolv\.example is missing/,
  },
  {
    check: 'alarm-actions',
    fault: 'an alarm has no action',
    inject: ({ aws }) => {
      for (const alarm of aws.deployment.alarms.slice(0, 1)) alarm.AlarmActions = [];
    },
    detail: /^without an action: rsolv-billing-staging-[\w-]+$/,
    remedy: RECREATE,
  },
  {
    check: 'alarm-actions',
    fault: "an alarm's actions are off",
    inject: ({ aws }) => {
      for (const alarm of aws.deployment.alarms.slice(0, 1)) alarm.ActionsEnabled = false;
    },
    detail: /^actions are off: rsolv-billing-staging-[\w-]+$/,
  },
  {
    check: 'schedules',
    fault: 'a rule was deleted by hand',
    inject: ({ aws }) => {
      aws.deployment.rules = aws.deployment.rules.filter(({ Name }) => !Name.includes('Reconcile'));
    },
    detail: /^missing for: reconcile$/,
    remedy: RECREATE,
  },
  {
    check: 'schedules',
    fault: 'a rule was never deployed',
    inject: (testStage) => {
      delete stackOf(testStage).resources['SettleDashpendingDashchargesEventsRuleSchedule1'];
    },
    detail: /^missing for: settle-pending-charges$/,
  },
  {
    check: 'schedules',
    fault: 'a rule is off',
    inject: ({ aws }) => {
      for (const rule of aws.deployment.rules.slice(0, 1)) rule.State = 'DISABLED';
    },
    detail: /^off for: settle-pending-charges$/,
  },
  {
    check: 'dead-letters',
    fault: 'a dead-letter queue is missing',
    inject: (testStage) => {
      delete stackOf(testStage).resources['NoticeDeadLetters'];
    },
    detail: /^missing: NoticeDeadLetters$/,
  },
  {
    check: 'dead-letters',
    fault: 'a dead-letter queue has messages',
    inject: ({ aws }) => {
      const url = Object.keys(aws.deployment.queues).find((one) => one.endsWith('NoticeDeadLetters'));
      if (url !== undefined) aws.deployment.queues[url] = 3;
    },
    detail: /^3 in NoticeDeadLetters$/,
  },
  {
    check: 'stripe-secret-key',
    fault: 'the key is not stored',
    inject: ({ aws }) => {
      delete aws.deployment.parameters['/rsolv-billing/staging/stripe-secret-key'];
    },
    detail: /missing/,
  },
  {
    check: 'stripe-secret-key',
    fault: 'the key is stored as plain text',
    inject: ({ parameter }) => {
      parameter('stripe-secret-key').Type = 'String';
    },
    detail: /stored as String/,
  },
  {
    check: 'stripe-secret-key',
    fault: 'the stored key is malformed',
    inject: ({ parameter }) => {
      parameter('stripe-secret-key').Value = 'hunter2';
    },
    detail: /not of the form/,
  },
  {
    check: 'stripe-webhook-secrets',
    fault: 'the webhook secrets are not stored',
    inject: ({ aws }) => {
      delete aws.deployment.parameters['/rsolv-billing/staging/stripe-webhook-secrets'];
    },
    detail: /missing/,
  },
  {
    check: 'stripe-webhook-secrets',
    fault: 'the webhook secrets are stored as plain text',
    inject: ({ parameter }) => {
      parameter('stripe-webhook-secrets').Type = 'String';
    },
    detail: /stored as String/,
  },
  {
    check: 'stripe-webhook-secrets',
    fault: 'the stored webhook secrets are malformed',
    inject: ({ parameter }) => {
      parameter('stripe-webhook-secrets').Value = 'hunter2';
    },
    detail: /not of the form/,
  },
  {
    check: 'stripe-pro-price-id',
    fault: 'the price is not stored',
    inject: ({ aws }) => {
      delete aws.deployment.parameters['/rsolv-billing/staging/stripe-pro-price-id'];
    },
    detail: /missing/,
  },
  {
    check: 'stripe-pro-price-id',
    fault: 'the stored price id is malformed',
    inject: ({ parameter }) => {
      parameter('stripe-pro-price-id').Value = 'hunter2';
    },
    detail: /not a price id/,
  },
  {
    check: 'stripe-key-mode',
    fault: 'the key is a live key',
    inject: ({ parameter }) => {
      parameter('stripe-secret-key').Value = 'sk_live_doctor';
    },
    detail: /a live key, but staging requires a test key/,
  },
  {
    check: 'stripe-access',
    fault: 'the key was rolled',
    inject: ({ parameter }) => {
      parameter('stripe-secret-key').Value = 'sk_test_rolled';
    },
    detail: /rejects/,
  },
  {
    check: 'price',
    fault: 'Stripe has no such price',
    inject: ({ parameter }) => {
      parameter('stripe-pro-price-id').Value = 'price_elsewhere';
    },
    detail: /no price price_elsewhere/,
  },
  {
    check: 'price',
    fault: 'the price names no plan and no credits',
    inject: async (testStage) => {
      testStage.parameter('stripe-pro-price-id').Value = await otherPrice(testStage, { unit_amount: 49_900 });
    },
    detail: /is 49900 usd a month: its metadata must have the plan "pro" and the number of credits/,
  },
  {
    check: 'price',
    fault: 'the price is for another plan',
    inject: async (testStage) => {
      const metadata = { plan: 'trial', credits: '60' };
      testStage.parameter('stripe-pro-price-id').Value = await otherPrice(testStage, { metadata });
    },
    detail: /its metadata must have the plan "pro"/,
  },
  {
    check: 'price',
    fault: 'the price is in another currency',
    inject: async (testStage) => {
      testStage.parameter('stripe-pro-price-id').Value = await otherPrice(testStage, { currency: 'eur' });
    },
    detail: /is 59900 eur a month/,
  },
  {
    check: 'price',
    fault: 'the price is for a year',
    inject: async (testStage) => {
      testStage.parameter('stripe-pro-price-id').Value = await otherPrice(testStage, {
        recurring: { interval: 'year' },
      });
    },
    detail: /is 59900 usd a year/,
  },
  {
    check: 'price',
    fault: 'the price is archived',
    inject: ({ stripe, priceId }) => stripe.prices.update(priceId, { active: false }),
    detail: /is archived/,
  },
  {
    check: 'price',
    fault: 'its product is archived',
    inject: ({ stripe }) => stripe.products.update('rsolv_pro', { active: false }),
    detail: /its product rsolv_pro is archived/,
  },
  {
    check: 'portal',
    fault: 'the portal changes cards',
    inject: async ({ stripe }) => {
      const { data } = await stripe.billingPortal.configurations.list({ is_default: false });
      const features = { payment_method_update: { enabled: true } };
      await stripe.billingPortal.configurations.update(data[0]?.id ?? '', { features });
    },
    detail: /it changes cards/,
  },
  {
    check: 'webhook-endpoint',
    fault: 'Stripe has no endpoint',
    inject: ({ stripe, endpointId }) => stripe.webhookEndpoints.del(endpointId),
    detail: /Stripe has none at http.*\/api\/webhooks\/stripe/,
  },
  {
    check: 'webhook-endpoint',
    fault: 'the endpoint is at another address',
    inject: ({ stripe, endpointId }) =>
      stripe.webhookEndpoints.update(endpointId, { url: 'https://old.example/api/webhooks/stripe' }),
    detail: /Stripe has none at/,
  },
  {
    check: 'webhook-enabled',
    fault: 'the endpoint is disabled',
    inject: ({ stripe, endpointId }) => stripe.webhookEndpoints.update(endpointId, { disabled: true }),
    detail: /is disabled/,
  },
  {
    check: 'webhook-version',
    fault: 'the endpoint has another API version',
    inject: async ({ stripe, endpointId, webhookUrl }) => {
      await stripe.webhookEndpoints.del(endpointId);
      await stripe.webhookEndpoints.create({ url: webhookUrl, enabled_events: [...HANDLED_EVENT_TYPES] });
    },
    detail: /sends the account's default, but the service parses/,
  },
  ...HANDLED_EVENT_TYPES.map(
    (type): Fault => ({
      check: 'webhook-events',
      fault: `the endpoint does not get ${type}`,
      inject: ({ stripe, endpointId }) =>
        stripe.webhookEndpoints.update(endpointId, {
          enabled_events: HANDLED_EVENT_TYPES.filter((one) => one !== type),
        }),
      detail: new RegExp(`^missing: ${type}$`),
    }),
  ),
  {
    check: 'webhook-events',
    fault: 'the endpoint gets unhandled events',
    inject: ({ stripe, endpointId }) =>
      stripe.webhookEndpoints.update(endpointId, {
        enabled_events: [...HANDLED_EVENT_TYPES, 'invoice.payment_succeeded'],
      }),
    detail: /^not handled: invoice.payment_succeeded$/,
  },
  {
    check: 'webhook-single',
    fault: 'a second endpoint has the same address',
    inject: ({ stripe, webhookUrl }) =>
      stripe.webhookEndpoints.create({ url: webhookUrl, enabled_events: ['invoice.paid'] }),
    detail: /we_\w+ at http.* is also enabled/,
  },
  {
    check: 'webhook-single',
    fault: 'a second endpoint has invoice.payment_succeeded and another API version',
    inject: async ({ stripe, webhookUrl }) => {
      await stripe.webhookEndpoints.create({
        url: webhookUrl,
        enabled_events: ['invoice.paid', 'invoice.payment_succeeded'],
      });
    },
    detail: /is also enabled, uses the account's default version, sends invoice\.payment_succeeded$/,
  },
  {
    check: 'webhook-single',
    fault: 'a second endpoint is at the same address with a query',
    inject: ({ stripe, webhookUrl }) =>
      stripe.webhookEndpoints.create({ url: `${webhookUrl}?by=hand`, enabled_events: ['invoice.paid'] }),
    detail: /we_\w+ at http.*\?by=hand is also enabled/,
  },
  {
    check: 'health',
    fault: 'the API answers 503',
    inject: ({ aws }) => {
      aws.deployment.health = { status: 503, body: { code: 'ledger_unavailable' } };
    },
    detail: /health: 503/,
  },
  {
    check: 'health',
    fault: 'the API belongs to another stage',
    inject: ({ aws }) => {
      aws.deployment.health.body = { status: 'ok', stage: 'dev' };
    },
    detail: /is the stage dev/,
  },
  {
    check: 'price-list',
    fault: 'customers see the price of before',
    inject: async (testStage) => {
      testStage.parameter('stripe-pro-price-id').Value = await otherPrice(testStage, {
        unit_amount: 64_900,
        metadata: { plan: 'pro', credits: '65' },
      });
    },
    detail: /shows \$599\.00 a month for 60 credits for pro; price_\w+ is \$649\.00 a month for 65 credits/,
    remedy: /^Wait ten minutes for the sweeper, .* npx rsolv-billing work settle --stage staging$/,
  },
  {
    check: 'price-list',
    fault: 'customers see no price list',
    inject: ({ aws }) => {
      aws.deployment.pricing = { status: 500, body: { code: 'internal_error' } };
    },
    detail: /pricing: 500/,
  },
  {
    check: 'mail-sender',
    fault: 'SES does not know the sender',
    inject: ({ aws }) => {
      aws.deployment.identities = {};
    },
    detail: /does not know rsolv.dev/,
  },
  {
    check: 'mail-sender',
    fault: 'SES has not verified the sender',
    inject: ({ aws }) => {
      aws.deployment.identities['rsolv.dev'] = { VerifiedForSendingStatus: false };
    },
    detail: /has not verified rsolv.dev/,
  },
  {
    check: 'mail-account',
    fault: 'AWS has paused sending',
    inject: ({ aws }) => {
      aws.deployment.mailAccount.SendingEnabled = false;
    },
    detail: /paused/,
  },
];

const otherPrice = async (
  { stripe }: TestStage,
  change: Partial<Parameters<TestStage['stripe']['prices']['create']>[0]>,
): Promise<string> => {
  const price = {
    product: 'rsolv_pro',
    currency: 'usd',
    unit_amount: 59_900,
    recurring: { interval: 'month' },
  } as const;
  return (await stripe.prices.create({ ...price, ...change })).id;
};

describe('doctor on a deployed stage', () => {
  let testStage: TestStage;
  beforeEach(async () => {
    testStage = await healthyStage();
  });

  it('doctor passes every check on a healthy stage', async () => {
    const results = await examine(testStage);
    expect(results.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(results.map(({ id }) => id)).toEqual(CHECKLIST.map(({ id }) => id));
  });

  it.each(FAULTS)(
    'doctor reports $check and nothing else when $fault',
    async ({ check, inject, settings, detail, remedy }) => {
      await inject(testStage);
      const results = await examine(testStage, STAGE, settings);
      expect(idsOf(results, 'wrong', 'unknown')).toEqual([check]);
      expect(JSON.stringify(results)).not.toMatch(SECRETS);
      const found = results.find(({ id }) => id === check);
      expect(found?.detail).toMatch(detail);
      const advised = [found?.remedy.advice ?? [], found?.remedy.command ?? []].flat().join(' ');
      expect(advised).toMatch(remedy ?? /./);
    },
  );

  it('every check of the checklist comes after the checks that it needs', () => {
    CHECKLIST.forEach(({ needs = [] }, at) => {
      const before = CHECKLIST.slice(0, at).map(({ id }) => id);
      expect(needs.filter((need) => !before.includes(need))).toEqual([]);
    });
  });

  it('every section of docs/operate.md that doctor names exists', () => {
    const headings = readFileSync('docs/operate.md', 'utf8').match(/^## .*/gm);
    const files = ['cli/doctor', 'cli/preflight'].flatMap((folder) =>
      readdirSync(folder).map((file) => `${folder}/${file}`),
    );
    const named = files.flatMap((file) => [
      ...readFileSync(file, 'utf8').matchAll(/"([\w ]+)"(?=[^\n"]* docs\/operate\.md)/g),
    ]);
    expect(named.length).toBeGreaterThan(5);
    for (const [, section] of named) expect(headings).toContain(`## ${section}`);
  });

  it('every check of the checklist has a fault in these tests', () => {
    expect(new Set(FAULTS.map(({ check }) => check))).toEqual(new Set(CHECKLIST.map(({ id }) => id)));
  });

  it.each([
    { operation: 'DescribeTable', checks: ['table'] },
    { operation: 'DescribeContinuousBackups', checks: ['table-backups'] },
    { operation: 'DescribeTimeToLive', checks: ['table-expiry'] },
    { operation: 'ListEventSourceMappings', checks: ['stream-delivery'] },
    { operation: 'DescribeStacks', checks: ['stack'] },
    { operation: 'ListStackResources', checks: ['stack'] },
    { operation: 'DescribeAlarms', checks: ['alarms', 'alarm-actions'] },
    { operation: 'ListRules', checks: ['schedules'] },
    { operation: 'ListSubscriptionsByTopic', checks: ['alarm-address'] },
    { operation: 'GetQueueAttributes', checks: ['dead-letters'] },
    {
      operation: 'GetParameter',
      checks: ['stripe-secret-key', 'stripe-webhook-secrets', 'stripe-pro-price-id'],
    },
    { operation: 'GetEmailIdentity', checks: ['mail-sender'] },
    { operation: 'GetAccount', checks: ['mail-account'] },
  ])(
    'doctor names the checks that could not run when $operation is denied',
    async ({ operation, checks }) => {
      testStage.aws.deployment.denied.add(operation);
      const results = await examine(testStage);
      expect(idsOf(results, 'unknown')).toEqual(checks);
      expect(idsOf(results, 'wrong')).toEqual([]);
      expect(verdictOf(results)).toBe('not_checked');
      for (const { detail } of results.filter(({ state }) => state === 'unknown')) {
        expect(detail).toMatch(/^could not be checked: .*Permission denied/);
      }
    },
  );

  it('doctor reports no check as ok when neither AWS nor Stripe can be reached', async () => {
    await testStage.aws.stop();
    const results = await examine({ ...testStage, stripeUrl: 'http://127.0.0.1:9' });
    // The domain's setting is in the checkout.
    expect(idsOf(results, 'ok', 'absent', 'wrong')).toEqual(['domain-setting']);
  });

  it('doctor names the checks that could not run when Stripe does not answer', async () => {
    const results = await examine({ ...testStage, stripeUrl: 'http://127.0.0.1:9' });
    expect(idsOf(results, 'unknown', 'wrong')).toEqual(['stripe-access']);
    expect(idsOf(results, 'blocked')).toEqual(
      CHECKLIST.map(({ id }) => id).filter((id) => /^(?:price|portal|webhook)(?:-|$)/.test(id)),
    );
  });

  it('doctor reports an API that does not answer', async () => {
    stackOf(testStage).outputs['ApiUrl'] = `http://127.0.0.1:${await freePort()}`;
    const results = await examine(testStage);
    expect(results.find(({ id }) => id === 'health')).toMatchObject({
      state: 'wrong',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('doctor only reads and changes nothing', async () => {
    await examine(testStage);
    expect(testStage.aws.calls.filter((call) => !/^(Describe|List|Get)/.test(call))).toEqual([]);
  });
});

describe('doctor on the live stage', () => {
  const STAGE_LIVE = 'production';
  const withLiveKey = async () => {
    const testStage = await healthyStage(STAGE_LIVE);
    testStage.parameter('stripe-secret-key').Value = 'sk_live_doctor';
    // The stand-in accepts only its test key, so its client ignores the parameter.
    return { testStage, site: { ...siteOf(testStage, STAGE_LIVE), ...stripeOf(testStage) } };
  };
  const stripeOf = ({ stripe }: TestStage) => ({
    stripe: async () => stripe,
    webhookEndpoints: () => listWebhookEndpoints(stripe),
  });

  it('doctor passes every check on a healthy live stage', async () => {
    const { site } = await withLiveKey();
    expect((await diagnose(site, () => {})).filter(({ state }) => state !== 'ok')).toEqual([]);
  });

  it('the live stage requires a live key', async () => {
    const testStage = await healthyStage(STAGE_LIVE);
    const results = await examine(testStage, STAGE_LIVE);
    expect(idsOf(results, 'wrong', 'unknown')).toEqual(['stripe-key-mode']);
    expect(results.find(({ id }) => id === 'stripe-key-mode')?.detail).toContain(
      'a test key, but production requires a live',
    );
  });

  it('the live stage requires mail outside the SES sandbox, and a test stage does not', async () => {
    const { testStage, site } = await withLiveKey();
    testStage.aws.deployment.mailAccount.ProductionAccessEnabled = false;
    expect(idsOf(await diagnose(site, () => {}), 'wrong', 'unknown')).toEqual(['mail-account']);
    const test = await healthyStage();
    test.aws.deployment.mailAccount.ProductionAccessEnabled = false;
    expect(idsOf(await examine(test), 'wrong', 'unknown')).toEqual([]);
  });

  it('the live stage must not have an endpoint at another address, and a test stage may', async () => {
    const url = `https://old.example${WEBHOOK_PATH}`;
    const { testStage, site } = await withLiveKey();
    await testStage.stripe.webhookEndpoints.create({ url, enabled_events: ['invoice.paid'] });
    expect(idsOf(await diagnose(site, () => {}), 'wrong', 'unknown')).toEqual(['webhook-single']);
    const test = await healthyStage();
    await test.stripe.webhookEndpoints.create({ url, enabled_events: ['invoice.paid'] });
    expect(idsOf(await examine(test), 'wrong', 'unknown')).toEqual([]);
  });

  it('the live stage requires an alarm address, and a test stage does not', async () => {
    const { site } = await withLiveKey();
    const mute = { ...site, definition: { ...site.definition, alarmEmail: '' } };
    expect(idsOf(await diagnose(mute, () => {}), 'wrong', 'unknown')).toEqual(['alarm-address']);
    const test = siteOf(await healthyStage(), STAGE);
    const muteTest = { ...test, definition: { ...test.definition, alarmEmail: '' } };
    expect(idsOf(await diagnose(muteTest, () => {}), 'wrong', 'unknown')).toEqual([]);
  });

  it('the live stage requires the alarm for missing webhooks, and a test stage does not', () => {
    const name = /webhooks-missing$/;
    expect(readDefinition(STAGE_LIVE).alarms.some((alarm) => name.test(alarm))).toBe(true);
    expect(readDefinition(STAGE).alarms.some((alarm) => name.test(alarm))).toBe(false);
  });
});

describe('the command that stores a secret', () => {
  it('the command that stores a secret reads it from the terminal after it started', async () => {
    const site = siteOf(await healthyStage(), STAGE);
    const { advice, command = [] } = storeParameter(site, 'stripe-secret-key', {
      type: 'SecureString',
      shape: 'sk_…',
    });
    expect(advice).toBe('Store it: run this and, when it waits, paste sk_…. The input is not shown.');
    const shell = spawn('bash', ['-c', `aws() { printf '%s\n' "$@"; }\n${command.join(' \\\n')}`]);
    shell.stdin.end('sk_test_pasted\n');
    const shown = (await text(shell.stdout)).trimEnd().split('\n');
    expect(shown.slice(-2)).toEqual(['--value', 'sk_test_pasted']);
  });
});

describe('rsolv-billing doctor', () => {
  const doctor = ({ aws, stripeUrl }: TestStage, ...more: string[]) =>
    doctorIn(80, { aws, stripeUrl }, ...more);
  const doctorIn = (
    columns: number,
    { aws, stripeUrl }: Pick<TestStage, 'aws' | 'stripeUrl'>,
    ...more: string[]
  ) => {
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    // Without colours, so that lines can be compared.
    vi.stubEnv('NO_COLOR', '1');
    return runInShell(['doctor', '--stage', STAGE, ...more], {
      columns,
      env: { STRIPE_API_BASE: stripeUrl },
    });
  };

  it('doctor exits with 0 for a healthy stage and prints a line for each check', async () => {
    const { code, stdout, stderr } = await doctorIn(0, await healthyStage());
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.match(/^ok {5}\w/gm)).toHaveLength(CHECKLIST.length - ABSENT_ON_STAGING.length);
    expect(stdout.match(/^- {6}\w/gm)).toHaveLength(ABSENT_ON_STAGING.length);
    expect(stdout).toContain('staging is fit');
  });

  it('doctor lists each setting of the Stripe account that docs/operate.md names', async () => {
    const [, table = ''] = readFileSync('docs/operate.md', 'utf8').split(
      '### Settings of the Stripe account',
    );
    const rows = [...table.matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm)].slice(2);
    const documented = rows.map(([, setting, where, setTo]) => ({ setting, where, setTo }));
    expect(documented.slice(0, ACCOUNT_SETTINGS.length)).toEqual(ACCOUNT_SETTINGS);
    const { stdout } = await doctorIn(0, await healthyStage());
    for (const { setting, setTo, where } of ACCOUNT_SETTINGS) {
      expect(stdout).toContain(`${setting}: ${setTo} (${where})`);
    }
  });

  it('doctor exits with 1 for an unhealthy stage, and prints remedies without secrets', async () => {
    const testStage = await healthyStage();
    testStage.aws.deployment.pointInTimeRecovery = false;
    testStage.aws.deployment.alarms = [];
    testStage.parameter('stripe-webhook-secrets').Value = 'hunter2';
    const { code, stdout: coloured } = await doctor(testStage);
    const stdout = stripVTControlCharacters(coloured);
    expect(code).toBe(1);
    expect(stdout.match(/^wrong {2}[^:]+/gm)).toEqual([
      'wrong  Point-in-time recovery',
      'wrong  Alarms',
      'wrong  Parameter stripe-webhook-secrets',
    ]);
    expect(stdout).toContain('aws dynamodb update-continuous-backups \\\n');
    expect(stdout).toContain('staging is not fit');
    expect(stdout).not.toMatch(SECRETS);
    // Commands are broken between their parts. A long word gets its own line.
    const long = stdout.split('\n').filter((line) => line.length > 80);
    expect(long.filter((line) => line.trim().includes(' ') && !line.includes('--'))).toEqual([]);
  });

  it('doctor --json prints one JSON document', async () => {
    const testStage = await healthyStage();
    testStage.aws.deployment.mailAccount.SendingEnabled = false;
    const { code, stdout } = await doctor(testStage, '--json');
    const { stage, fit, verdict, checks } = Report.parse(JSON.parse(stdout));
    expect([code, stage, fit, verdict]).toEqual([1, STAGE, false, 'not_fit']);
    const notOk = checks.filter(({ state }) => state !== 'ok').map(({ id }) => id);
    expect(notOk).toEqual([...ABSENT_ON_STAGING, 'mail-account']);
  });
});

const localCredentials = {
  region: TEST_CREDENTIALS.AWS_REGION,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
};

const Report = z.object({
  stage: z.string(),
  fit: z.nullable(z.boolean()),
  verdict: z.string(),
  checks: z.array(z.object({ id: z.string(), state: z.string(), detail: z.string() })),
});

describe('a check that could not run', () => {
  const doctor = async ({ aws, stripeUrl }: TestStage, ...more: string[]) => {
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    return runInShell(['doctor', '--stage', STAGE, ...more], { env: { STRIPE_API_BASE: stripeUrl } });
  };
  const unreadable = async () => {
    const testStage = await healthyStage();
    for (const operation of ['DescribeContinuousBackups', 'GetAccount'])
      testStage.aws.deployment.denied.add(operation);
    return testStage;
  };

  it('a stage with checks that could not run gets exit code 3 and no verdict', async () => {
    const testStage = await unreadable();
    const { code, stdout } = await doctor(testStage);
    expect(code).toBe(3);
    expect(stdout).toMatch(
      new RegExp(
        `^${STAGE} could not be checked: ${CHECKLIST.length - 2 - ABSENT_ON_STAGING.length} ok, 0 wrong, 2 could not be checked\\.$`,
        'm',
      ),
    );
    expect(stdout).not.toContain('not fit');
    const { verdict, fit } = Report.parse(JSON.parse((await doctor(testStage, '--json')).stdout));
    expect([verdict, fit]).toEqual(['not_checked', null]);
  });

  it('a check that never answers times out, and the checks that need it are blocked', async () => {
    const checks = [
      { id: 'silent', title: 'Silent', run: () => new Promise<never>(() => {}) },
      { id: 'after', title: 'After', needs: ['silent'], run: async () => ok('x') },
    ];
    const results = await examineChecks(checks, null, { timeoutMs: 1, onDone: () => {} });
    expect(results).toMatchObject([
      { state: 'unknown', detail: expect.stringContaining('no answer within') },
      { state: 'blocked', detail: 'not checked, blocked by: Silent' },
    ]);
    expect(verdictOf(results)).toBe('not_checked');
  });

  it('a stage is not fit if one check is wrong and others could not run', async () => {
    const testStage = await unreadable();
    testStage.aws.deployment.alarms = [];
    const { code, stdout } = await doctor(testStage);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/is not fit: .* 1 wrong, 2 could not be checked/),
    ]);
  });

  it('checks that could not run for the same reason share one line', async () => {
    const testStage = await healthyStage();
    for (const operation of ['DescribeAlarms', 'GetAccount']) testStage.aws.deployment.denied.add(operation);
    const lines = (await doctor(testStage)).stdout.split('\n').filter((line) => line.startsWith('?'));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^\? {6}Alarms, Alarm actions: could not be checked: /);
  });
});

describe('doctor on a local stack', () => {
  /** The parts of a local stack, without its processes. */
  async function localStack() {
    const { endpoint, stop } = await startEngine();
    onTestFinished(() => stop());
    const definition = readDefinition('dev');
    const dynamodb = new DynamoDBClient({ endpoint, ...localCredentials });
    onTestFinished(() => dynamodb.destroy());
    await ensureTable(dynamodb, definition.tableName);
    await ensureExpiry(dynamodb, definition.tableName);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const api = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      const health = { status: 'ok', stage: 'dev' };
      response.end(JSON.stringify(request.url === '/health' ? health : pricingView(NO_SOLD_PRICES)));
    }).listen(port, '127.0.0.1');
    onTestFinished(() => {
      api.closeAllConnections();
      api.close();
    });
    const double = await startStripeDouble({ apiKey: KEY, deliveryAttempts: 1 });
    onTestFinished(() => double.stop());
    const stripe = openSetupStripe(KEY, double.url);
    const { id: proPriceId } = (await ensureProPrice(stripe)).price;
    await ensurePortalConfiguration(stripe);
    const { id: endpointId } = await ensureWebhookEndpoint(stripe, url + WEBHOOK_PATH);
    const settings = { secretKey: KEY, webhookSecrets: [], apiBase: double.url, proPriceId };
    onTestFinished(registerRunningStack(port, { endpoint, lambdaEndpoint: url, stripe: settings }));
    return { port, stripe, endpointId, proPriceId };
  }

  const doctor = async (port: number) => {
    const { code, stdout } = await runInShell(['doctor', '--json'], { env: { PORT: String(port) } });
    const { fit, checks } = Report.parse(JSON.parse(stdout));
    const idsIn = (state: string) => checks.filter((check) => check.state === state).map(({ id }) => id);
    return { code, fit, ok: idsIn('ok'), absent: idsIn('absent'), wrong: idsIn('wrong') };
  };

  it('doctor checks the parts of a local stack and skips what only AWS has', async () => {
    const { port } = await localStack();
    expect(await doctor(port)).toEqual({
      code: 0,
      fit: true,
      ok: [
        'table',
        'table-keys',
        'table-expiry',
        'stripe-key-mode',
        'stripe-access',
        'price',
        'portal',
        'webhook-endpoint',
        'webhook-enabled',
        'webhook-version',
        'webhook-events',
        'webhook-single',
        'health',
        'price-list',
      ],
      absent: expect.arrayContaining([
        'table-backups',
        'table-stream',
        'alarms',
        'schedules',
        'stripe-secret-key',
      ]),
      wrong: [],
    });
  });

  it('doctor finds faults of a local stack', async () => {
    const { port, stripe, endpointId, proPriceId } = await localStack();
    await stripe.webhookEndpoints.update(endpointId, { enabled_events: ['invoice.paid'] });
    await stripe.prices.update(proPriceId, { active: false });
    expect(await doctor(port)).toMatchObject({ code: 1, fit: false, wrong: ['price', 'webhook-events'] });
  });
});
