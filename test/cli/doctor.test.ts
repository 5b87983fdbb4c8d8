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
import { noteRunningStack } from '../../cli/stage/running.ts';
import { ensureExpiry, ensureTable } from '../../cli/stage/table.ts';
import { WEBHOOK_PATH } from '../../lib/settings/stripe-environment.ts';
import { HANDLED_EVENT_TYPES } from '../../lib/stripe/event-types.ts';
import { openSetupStripe } from '../../lib/stripe/setup/open.ts';
import { ensureProPrice } from '../../lib/stripe/setup/price.ts';
import { ensureWebhookEndpoint, listWebhookEndpoints } from '../../lib/stripe/setup/webhook-endpoint.ts';
import { startEngine } from '../../local/stack/engine.ts';
import { freePort } from '../../local/stack/ports.ts';
import { startStripeDouble } from '../../local/stripe-double/server.ts';
import { ALARM_EMAIL, type AwsDouble, definitionOf, startAwsDouble } from '../support/aws-double.ts';
import { runInShell } from '../support/cli/shell.ts';
import { TEST_CREDENTIALS } from '../support/table.ts';

const KEY = 'sk_test_doctor';
/** Whatever is stored as a secret here, or in its place. */
const SECRETS = /sk_\w+_(doctor|rolled)|whsec_(one|two)|hunter2/;
const STAGE = 'staging';

/** A stage as it should be: at AWS, with its API, and at Stripe. */
interface Patient {
  readonly aws: AwsDouble;
  readonly stripe: ReturnType<typeof openSetupStripe>;
  readonly stripeUrl: string;
  readonly webhookUrl: string;
  readonly endpointId: string;
  readonly priceId: string;
  parameter(name: string): { Type: string; Value: string };
}

async function soundStage(stage = STAGE): Promise<Patient> {
  const aws = await startAwsDouble(stage);
  onTestFinished(() => aws.stop());
  const double = await startStripeDouble({ apiKey: KEY, deliveryAttempts: 1 });
  onTestFinished(() => double.stop());
  const stripe = openSetupStripe(KEY, double.url);
  const webhookUrl = aws.url + WEBHOOK_PATH;
  const { id: priceId } = (await ensureProPrice(stripe)).price;
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

function siteOf({ aws, stripeUrl }: Patient, stage: string): Site {
  Object.assign(process.env, aws.env);
  const dynamodb = new DynamoDBClient({});
  const definition = { ...definitionOf(stage), alarmEmail: ALARM_EMAIL };
  return openSite({ definition, dynamodb, local: null, stripeApiBase: stripeUrl });
}

const examine = (patient: Patient, stage = STAGE): Promise<Result[]> =>
  diagnose(siteOf(patient, stage), () => {});

const idsOf = (results: readonly Result[], ...states: Result['state'][]) =>
  results.filter(({ state }) => states.includes(state)).map(({ id }) => id);

const tableOf = ({ aws }: Patient) => {
  const { table } = aws.deployment;
  if (table === null) throw new Error('no table');
  return table;
};
const stackOf = ({ aws }: Patient) => {
  const { stack } = aws.deployment;
  if (stack === null) throw new Error('no stack');
  return stack;
};

interface Fault {
  /** The item of the checklist that it is. */
  readonly check: string;
  readonly what: string;
  readonly break: (patient: Patient) => unknown;
  /** What the line says. */
  readonly says: RegExp;
  /** What it says to do, where that is not to deploy. */
  readonly remedy?: RegExp;
}

/** A deploy compares templates, and leaves away what somebody deleted by hand. */
const PUT_BACK =
  /^A deploy does not bring back "What was deleted by hand".* npx serverless deploy --stage staging$/;

const FAULTS: readonly Fault[] = [
  {
    check: 'table',
    what: 'there is no table',
    break: ({ aws }) => {
      aws.deployment.table = null;
    },
    says: /no table rsolv-billing-staging/,
    remedy: /If there was one, do not deploy: "Restore from backup"/,
  },
  {
    check: 'table-keys',
    what: 'the index is missing',
    break: (patient) => {
      tableOf(patient).GlobalSecondaryIndexes = [];
    },
    says: /index due .* is missing/,
  },
  {
    check: 'table-keys',
    what: 'the sort key is another one',
    break: (patient) => {
      tableOf(patient).KeySchema = [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'seq', KeyType: 'RANGE' },
      ];
    },
    says: /key RANGE sk is missing; key RANGE seq is too much/,
  },
  {
    check: 'table-backups',
    what: 'point-in-time recovery is off',
    break: ({ aws }) => {
      aws.deployment.pointInTimeRecovery = false;
    },
    says: /off/,
  },
  {
    check: 'table-deletion-protection',
    what: 'deletion protection is off',
    break: (patient) => {
      tableOf(patient).DeletionProtectionEnabled = false;
    },
    says: /off/,
  },
  {
    check: 'table-encryption',
    what: 'the table is not encrypted with a key of KMS',
    break: (patient) => {
      delete tableOf(patient).SSEDescription;
    },
    says: /KMS/,
  },
  {
    check: 'table-expiry',
    what: 'nothing expires',
    break: ({ aws }) => {
      aws.deployment.timeToLive = { TimeToLiveStatus: 'DISABLED' };
    },
    says: /nothing ever expires/,
  },
  {
    check: 'table-expiry',
    what: 'items expire by another attribute',
    break: ({ aws }) => {
      aws.deployment.timeToLive = { TimeToLiveStatus: 'ENABLED', AttributeName: 'due_at' };
    },
    says: /by due_at, not by expires_at/,
  },
  {
    check: 'table-stream',
    what: 'there is no stream',
    break: (patient) => {
      delete tableOf(patient).StreamSpecification;
    },
    says: /no notice is sent/,
    remedy: /^aws dynamodb update-table .* StreamEnabled=true,StreamViewType=NEW_IMAGE$/,
  },
  {
    check: 'table-stream',
    what: 'the stream shows keys alone',
    break: (patient) => {
      tableOf(patient).StreamSpecification = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' };
    },
    says: /KEYS_ONLY, not NEW_IMAGE/,
    remedy: /StreamEnabled=false && aws .* StreamEnabled=true,StreamViewType=NEW_IMAGE$/,
  },
  {
    check: 'stream-delivery',
    what: 'the stream goes to nobody',
    break: ({ aws }) => {
      aws.deployment.eventSourceMappings = [];
    },
    says: /rsolv-billing-staging-deliver-notices is on no stream/,
  },
  {
    check: 'stream-delivery',
    what: 'the function reads the stream of a table that was replaced',
    break: (patient) => {
      tableOf(patient).LatestStreamArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2';
    },
    says: /another table's stream/,
    remedy: /"Restore from backup" in docs\/operate\.md/,
  },
  {
    check: 'stream-delivery',
    what: 'delivery is paused',
    break: ({ aws }) => {
      for (const mapping of aws.deployment.eventSourceMappings) mapping.State = 'Disabled';
    },
    says: /Disabled/,
  },
  {
    check: 'stack',
    what: 'the stack is not deployed',
    break: ({ aws }) => {
      aws.deployment.stack = null;
    },
    says: /no stack rsolv-billing-staging/,
  },
  {
    check: 'stack',
    what: 'the stack does not say where the API is',
    break: (patient) => {
      stackOf(patient).outputs = {};
    },
    says: /no output ApiUrl/,
  },
  {
    check: 'stack-state',
    what: 'the last deploy was rolled back',
    break: (patient) => {
      stackOf(patient).status = 'UPDATE_ROLLBACK_COMPLETE';
    },
    says: /UPDATE_ROLLBACK_COMPLETE/,
  },
  ...readDefinition(STAGE)
    .alarms.slice(0, 3)
    .map(
      (alarm): Fault => ({
        check: 'alarms',
        what: `the alarm ${alarm} is missing`,
        break: ({ aws }) => {
          aws.deployment.alarms = aws.deployment.alarms.filter(({ AlarmName }) => AlarmName !== alarm);
        },
        says: new RegExp(`^missing: ${alarm}$`),
        remedy: PUT_BACK,
      }),
    ),
  {
    check: 'alarm-address',
    what: 'the address that alarms go to is not subscribed yet',
    break: (patient) => {
      delete stackOf(patient).resources['AlarmEmail'];
    },
    says: /ops@rsolv\.example is not subscribed/,
  },
  {
    check: 'alarm-address',
    what: 'nobody has confirmed that alarms go to the address',
    break: ({ aws }) => {
      for (const one of aws.deployment.subscriptions) one.SubscriptionArn = 'PendingConfirmation';
    },
    says: /ops@rsolv\.example has not confirmed it/,
    remedy:
      /aws sns subscribe --topic-arn arn:\S+:alarms --protocol email --notification-endpoint ops@rsolv\.example/,
  },
  {
    check: 'alarm-address',
    what: 'another address alone has confirmed',
    break: ({ aws }) => {
      for (const one of aws.deployment.subscriptions) one.Endpoint = 'old-ops@rsolv.example';
    },
    says: /the subscription of ops@rsolv\.example is gone/,
  },
  {
    check: 'alarm-actions',
    what: 'an alarm tells nobody',
    break: ({ aws }) => {
      for (const alarm of aws.deployment.alarms.slice(0, 1)) alarm.AlarmActions = [];
    },
    says: /^without an action: rsolv-billing-staging-[\w-]+$/,
    remedy: PUT_BACK,
  },
  {
    check: 'alarm-actions',
    what: "an alarm's actions are off",
    break: ({ aws }) => {
      for (const alarm of aws.deployment.alarms.slice(0, 1)) alarm.ActionsEnabled = false;
    },
    says: /^actions are off: rsolv-billing-staging-[\w-]+$/,
  },
  {
    check: 'schedules',
    what: 'a rule was deleted by hand',
    break: ({ aws }) => {
      aws.deployment.rules = aws.deployment.rules.filter(({ Name }) => !Name.includes('Reconcile'));
    },
    says: /^missing: of reconcile$/,
    remedy: PUT_BACK,
  },
  {
    check: 'schedules',
    what: 'a rule was never deployed',
    break: (patient) => {
      delete stackOf(patient).resources['SettleDashpendingDashchargesEventsRuleSchedule1'];
    },
    says: /^missing: of settle-pending-charges$/,
  },
  {
    check: 'schedules',
    what: 'a rule is off',
    break: ({ aws }) => {
      for (const rule of aws.deployment.rules.slice(0, 1)) rule.State = 'DISABLED';
    },
    says: /^off: of settle-pending-charges$/,
  },
  {
    check: 'dead-letters',
    what: 'a dead-letter queue is missing',
    break: (patient) => {
      delete stackOf(patient).resources['NoticeDeadLetters'];
    },
    says: /^missing: NoticeDeadLetters$/,
  },
  {
    check: 'dead-letters',
    what: 'something is in a dead-letter queue',
    break: ({ aws }) => {
      const url = Object.keys(aws.deployment.queues).find((one) => one.endsWith('NoticeDeadLetters'));
      if (url !== undefined) aws.deployment.queues[url] = 3;
    },
    says: /^3 in NoticeDeadLetters$/,
  },
  {
    check: 'stripe-secret-key',
    what: 'the key is not stored',
    break: ({ aws }) => {
      delete aws.deployment.parameters['/rsolv-billing/staging/stripe-secret-key'];
    },
    says: /missing/,
  },
  {
    check: 'stripe-secret-key',
    what: 'the key is stored in the clear',
    break: ({ parameter }) => {
      parameter('stripe-secret-key').Type = 'String';
    },
    says: /stored as String/,
  },
  {
    check: 'stripe-secret-key',
    what: 'what is stored as the key is none',
    break: ({ parameter }) => {
      parameter('stripe-secret-key').Value = 'hunter2';
    },
    says: /not of the form/,
  },
  {
    check: 'stripe-webhook-secrets',
    what: 'the webhook secrets are not stored',
    break: ({ aws }) => {
      delete aws.deployment.parameters['/rsolv-billing/staging/stripe-webhook-secrets'];
    },
    says: /missing/,
  },
  {
    check: 'stripe-webhook-secrets',
    what: 'the webhook secrets are stored in the clear',
    break: ({ parameter }) => {
      parameter('stripe-webhook-secrets').Type = 'String';
    },
    says: /stored as String/,
  },
  {
    check: 'stripe-webhook-secrets',
    what: 'what is stored as webhook secrets is none',
    break: ({ parameter }) => {
      parameter('stripe-webhook-secrets').Value = 'hunter2';
    },
    says: /not of the form/,
  },
  {
    check: 'stripe-pro-price-id',
    what: 'the price is not stored',
    break: ({ aws }) => {
      delete aws.deployment.parameters['/rsolv-billing/staging/stripe-pro-price-id'];
    },
    says: /missing/,
  },
  {
    check: 'stripe-pro-price-id',
    what: 'what is stored as the price is none',
    break: ({ parameter }) => {
      parameter('stripe-pro-price-id').Value = 'hunter2';
    },
    says: /not the id of a price/,
  },
  {
    check: 'stripe-key-mode',
    what: 'the key is a live key',
    break: ({ parameter }) => {
      parameter('stripe-secret-key').Value = 'sk_live_doctor';
    },
    says: /a live key; staging takes a test key only/,
  },
  {
    check: 'stripe-access',
    what: 'the key was rolled',
    break: ({ parameter }) => {
      parameter('stripe-secret-key').Value = 'sk_test_rolled';
    },
    says: /refuses/,
  },
  {
    check: 'price',
    what: 'Stripe has no such price',
    break: ({ parameter }) => {
      parameter('stripe-pro-price-id').Value = 'price_elsewhere';
    },
    says: /no price price_elsewhere/,
  },
  {
    check: 'price',
    what: 'the price has another amount',
    break: async (patient) => {
      patient.parameter('stripe-pro-price-id').Value = await otherPrice(patient, { unit_amount: 49_900 });
    },
    says: /is 49900 usd a month; Pro is 59900 usd a month/,
  },
  {
    check: 'price',
    what: 'the price is in another currency',
    break: async (patient) => {
      patient.parameter('stripe-pro-price-id').Value = await otherPrice(patient, { currency: 'eur' });
    },
    says: /is 59900 eur a month/,
  },
  {
    check: 'price',
    what: 'the price is for a year',
    break: async (patient) => {
      patient.parameter('stripe-pro-price-id').Value = await otherPrice(patient, {
        recurring: { interval: 'year' },
      });
    },
    says: /is 59900 usd a year/,
  },
  {
    check: 'price',
    what: 'the price is archived',
    break: ({ stripe, priceId }) => stripe.prices.update(priceId, { active: false }),
    says: /is archived/,
  },
  {
    check: 'price',
    what: 'its product is archived',
    break: ({ stripe }) => stripe.products.update('rsolv_pro', { active: false }),
    says: /its product rsolv_pro is archived/,
  },
  {
    check: 'webhook-endpoint',
    what: 'Stripe has no endpoint',
    break: ({ stripe, endpointId }) => stripe.webhookEndpoints.del(endpointId),
    says: /Stripe has none at http.*\/api\/webhooks\/stripe/,
  },
  {
    check: 'webhook-endpoint',
    what: 'the endpoint is at another address',
    break: ({ stripe, endpointId }) =>
      stripe.webhookEndpoints.update(endpointId, { url: 'https://old.example/api/webhooks/stripe' }),
    says: /Stripe has none at/,
  },
  {
    check: 'webhook-enabled',
    what: 'the endpoint is disabled',
    break: ({ stripe, endpointId }) => stripe.webhookEndpoints.update(endpointId, { disabled: true }),
    says: /is disabled/,
  },
  {
    check: 'webhook-version',
    what: 'the endpoint speaks another version',
    break: async ({ stripe, endpointId, webhookUrl }) => {
      await stripe.webhookEndpoints.del(endpointId);
      await stripe.webhookEndpoints.create({ url: webhookUrl, enabled_events: [...HANDLED_EVENT_TYPES] });
    },
    says: /speaks the account's default, we read/,
  },
  ...HANDLED_EVENT_TYPES.map(
    (type): Fault => ({
      check: 'webhook-events',
      what: `the endpoint is not sent ${type}`,
      break: ({ stripe, endpointId }) =>
        stripe.webhookEndpoints.update(endpointId, {
          enabled_events: HANDLED_EVENT_TYPES.filter((one) => one !== type),
        }),
      says: new RegExp(`^missing: ${type}$`),
    }),
  ),
  {
    check: 'webhook-events',
    what: 'the endpoint is sent more than it should be',
    break: ({ stripe, endpointId }) =>
      stripe.webhookEndpoints.update(endpointId, {
        enabled_events: [...HANDLED_EVENT_TYPES, 'invoice.payment_succeeded'],
      }),
    says: /^not wanted: invoice.payment_succeeded$/,
  },
  {
    check: 'webhook-single',
    what: 'a second endpoint is at the same address',
    break: ({ stripe, webhookUrl }) =>
      stripe.webhookEndpoints.create({ url: webhookUrl, enabled_events: ['invoice.paid'] }),
    says: /we_\w+ at http.* is enabled too/,
  },
  {
    check: 'webhook-single',
    what: 'a second endpoint was set up by hand, for invoice.payment_succeeded and at another API version',
    break: async ({ stripe, webhookUrl }) => {
      await stripe.webhookEndpoints.create({
        url: webhookUrl,
        enabled_events: ['invoice.paid', 'invoice.payment_succeeded'],
      });
    },
    says: /is enabled too, speaks the account's default version, sends invoice\.payment_succeeded$/,
  },
  {
    check: 'webhook-single',
    what: 'a second endpoint is at the same address with a query',
    break: ({ stripe, webhookUrl }) =>
      stripe.webhookEndpoints.create({ url: `${webhookUrl}?by=hand`, enabled_events: ['invoice.paid'] }),
    says: /we_\w+ at http.*\?by=hand is enabled too/,
  },
  {
    check: 'health',
    what: 'the API answers 503',
    break: ({ aws }) => {
      aws.deployment.health = { status: 503, body: { code: 'ledger_unavailable' } };
    },
    says: /health: 503/,
  },
  {
    check: 'health',
    what: 'the API is that of another stage',
    break: ({ aws }) => {
      aws.deployment.health.body = { status: 'ok', stage: 'dev' };
    },
    says: /is the stage dev/,
  },
  {
    check: 'mail-sender',
    what: 'SES does not know the sender',
    break: ({ aws }) => {
      aws.deployment.identities = {};
    },
    says: /does not know rsolv.dev/,
  },
  {
    check: 'mail-sender',
    what: 'SES has not verified the sender',
    break: ({ aws }) => {
      aws.deployment.identities['rsolv.dev'] = { VerifiedForSendingStatus: false };
    },
    says: /has not verified rsolv.dev/,
  },
  {
    check: 'mail-account',
    what: 'AWS has paused sending',
    break: ({ aws }) => {
      aws.deployment.mailAccount.SendingEnabled = false;
    },
    says: /paused/,
  },
];

const otherPrice = async (
  { stripe }: Patient,
  change: Partial<Parameters<Patient['stripe']['prices']['create']>[0]>,
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
  let patient: Patient;
  beforeEach(async () => {
    patient = await soundStage();
  });

  it('finds nothing on a stage that is as it should be', async () => {
    const results = await examine(patient);
    expect(results.filter(({ state }) => state !== 'ok')).toEqual([]);
    expect(results.map(({ id }) => id)).toEqual(CHECKLIST.map(({ id }) => id));
  });

  it.each(FAULTS)(
    'names $check, and nothing else, when $what',
    async ({ check, break: damage, says, remedy }) => {
      await damage(patient);
      const results = await examine(patient);
      expect(idsOf(results, 'wrong', 'unknown')).toEqual([check]);
      expect(JSON.stringify(results)).not.toMatch(SECRETS);
      const found = results.find(({ id }) => id === check);
      expect(found?.detail).toMatch(says);
      const advised = [found?.remedy.advice ?? [], found?.remedy.command ?? []].flat().join(' ');
      expect(advised).toMatch(remedy ?? /./);
    },
  );

  it('has looked at what a check needs before the check itself', () => {
    CHECKLIST.forEach(({ needs = [] }, at) => {
      const before = CHECKLIST.slice(0, at).map(({ id }) => id);
      expect(needs.filter((need) => !before.includes(need))).toEqual([]);
    });
  });

  it('names sections of docs/operate.md that there are', () => {
    const headings = readFileSync('docs/operate.md', 'utf8').match(/^## .*/gm);
    const named = readdirSync('cli/doctor').flatMap((file) => [
      ...readFileSync(`cli/doctor/${file}`, 'utf8').matchAll(/"([\w ]+)"(?=[^\n"]* docs\/operate\.md)/g),
    ]);
    expect(named.length).toBeGreaterThan(5);
    for (const [, section] of named) expect(headings).toContain(`## ${section}`);
  });

  it('has a fault for each item of the checklist', () => {
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
  ])('says what it could not look at when $operation is not allowed', async ({ operation, checks }) => {
    patient.aws.deployment.denied.add(operation);
    const results = await examine(patient);
    expect(idsOf(results, 'unknown')).toEqual(checks);
    expect(idsOf(results, 'wrong')).toEqual([]);
    expect(verdictOf(results)).toBe('not_checked');
    for (const { detail } of results.filter(({ state }) => state === 'unknown')) {
      expect(detail).toMatch(/^could not be checked: .*may not do that/);
    }
  });

  it('calls nothing ok when neither AWS nor Stripe can be reached', async () => {
    await patient.aws.stop();
    const results = await examine({ ...patient, stripeUrl: 'http://127.0.0.1:9' });
    expect(idsOf(results, 'ok', 'absent', 'wrong')).toEqual([]);
  });

  it('says what it could not look at when Stripe does not answer', async () => {
    const results = await examine({ ...patient, stripeUrl: 'http://127.0.0.1:9' });
    expect(idsOf(results, 'unknown', 'wrong')).toEqual(['stripe-access']);
    expect(idsOf(results, 'blocked')).toEqual(
      CHECKLIST.map(({ id }) => id).filter((id) => id === 'price' || id.startsWith('webhook-')),
    );
  });

  it('says so when nobody answers where the API should be', async () => {
    stackOf(patient).outputs['ApiUrl'] = `http://127.0.0.1:${await freePort()}`;
    const results = await examine(patient);
    expect(results.find(({ id }) => id === 'health')).toMatchObject({
      state: 'wrong',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('looks at everything and changes nothing', async () => {
    await examine(patient);
    expect(patient.aws.calls.filter((call) => !/^(Describe|List|Get)/.test(call))).toEqual([]);
  });
});

describe('doctor on the live stage', () => {
  const STAGE_LIVE = 'production';
  const withLiveKey = async () => {
    const patient = await soundStage(STAGE_LIVE);
    patient.parameter('stripe-secret-key').Value = 'sk_live_doctor';
    // The double is sent a test key alone, whatever the parameter says.
    return { patient, site: { ...siteOf(patient, STAGE_LIVE), ...stripeOf(patient) } };
  };
  const stripeOf = ({ stripe }: Patient) => ({
    stripe: async () => stripe,
    webhookEndpoints: () => listWebhookEndpoints(stripe),
  });

  it('finds nothing on one that is as it should be', async () => {
    const { site } = await withLiveKey();
    expect((await diagnose(site, () => {})).filter(({ state }) => state !== 'ok')).toEqual([]);
  });

  it('wants a live key', async () => {
    const patient = await soundStage(STAGE_LIVE);
    const results = await examine(patient, STAGE_LIVE);
    expect(idsOf(results, 'wrong', 'unknown')).toEqual(['stripe-key-mode']);
    expect(results.find(({ id }) => id === 'stripe-key-mode')?.detail).toContain(
      'a test key; production takes a live',
    );
  });

  it('wants mail to be out of the sandbox, which a test stage does not', async () => {
    const { patient, site } = await withLiveKey();
    patient.aws.deployment.mailAccount.ProductionAccessEnabled = false;
    expect(idsOf(await diagnose(site, () => {}), 'wrong', 'unknown')).toEqual(['mail-account']);
    const test = await soundStage();
    test.aws.deployment.mailAccount.ProductionAccessEnabled = false;
    expect(idsOf(await examine(test), 'wrong', 'unknown')).toEqual([]);
  });

  it('wants no endpoint at an address of before, which a test stage may have', async () => {
    const url = `https://before.example${WEBHOOK_PATH}`;
    const { patient, site } = await withLiveKey();
    await patient.stripe.webhookEndpoints.create({ url, enabled_events: ['invoice.paid'] });
    expect(idsOf(await diagnose(site, () => {}), 'wrong', 'unknown')).toEqual(['webhook-single']);
    const test = await soundStage();
    await test.stripe.webhookEndpoints.create({ url, enabled_events: ['invoice.paid'] });
    expect(idsOf(await examine(test), 'wrong', 'unknown')).toEqual([]);
  });

  it('wants somebody to hear of alarms, which a test stage does not', async () => {
    const { site } = await withLiveKey();
    const mute = { ...site, definition: { ...site.definition, alarmEmail: '' } };
    expect(idsOf(await diagnose(mute, () => {}), 'wrong', 'unknown')).toEqual(['alarm-address']);
    const test = siteOf(await soundStage(), STAGE);
    const muteTest = { ...test, definition: { ...test.definition, alarmEmail: '' } };
    expect(idsOf(await diagnose(muteTest, () => {}), 'wrong', 'unknown')).toEqual([]);
  });

  it('wants the alarm for webhooks that stay away, which a test stage does not have', () => {
    const name = /webhooks-missing$/;
    expect(readDefinition(STAGE_LIVE).alarms.some((alarm) => name.test(alarm))).toBe(true);
    expect(readDefinition(STAGE).alarms.some((alarm) => name.test(alarm))).toBe(false);
  });
});

describe('the command that stores a secret', () => {
  it('asks for it when it has begun, and the advice says so: what is pasted before is in the history', async () => {
    const site = siteOf(await soundStage(), STAGE);
    const { advice, command = [] } = storeParameter(site, 'stripe-secret-key', {
      type: 'SecureString',
      shape: 'sk_…',
    });
    expect(advice).toBe('Store it: run this, and when it waits, paste sk_…; it is not shown.');
    const shell = spawn('bash', ['-c', `aws() { printf '%s\n' "$@"; }\n${command.join(' \\\n')}`]);
    shell.stdin.end('sk_test_pasted\n');
    const shown = (await text(shell.stdout)).trimEnd().split('\n');
    expect(shown.slice(-2)).toEqual(['--value', 'sk_test_pasted']);
  });
});

describe('rsolv-billing doctor', () => {
  const doctor = ({ aws, stripeUrl }: Patient, ...more: string[]) =>
    doctorIn(80, { aws, stripeUrl }, ...more);
  const doctorIn = (
    columns: number,
    { aws, stripeUrl }: Pick<Patient, 'aws' | 'stripeUrl'>,
    ...more: string[]
  ) => {
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    // A line of a terminal without its colours, and without the count of checks.
    vi.stubEnv('NO_COLOR', '1');
    return runInShell(['doctor', '--stage', STAGE, ...more], {
      columns,
      env: { STRIPE_API_BASE: stripeUrl },
    });
  };

  it('exits 0 for a stage that is fit, with a line for each item', async () => {
    const { code, stdout, stderr } = await doctorIn(0, await soundStage());
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.match(/^ok {5}\w/gm)).toHaveLength(CHECKLIST.length);
    expect(stdout).toContain('staging is fit');
  });

  it('lists each setting of the Stripe account that docs/operate.md names, for a person to look at', async () => {
    const [, table = ''] = readFileSync('docs/operate.md', 'utf8').split(
      '### Settings of the Stripe account',
    );
    const rows = [...table.matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm)].slice(2);
    const documented = rows.map(([, setting, where, setTo]) => ({ setting, where, setTo }));
    expect(documented.slice(0, ACCOUNT_SETTINGS.length)).toEqual(ACCOUNT_SETTINGS);
    const { stdout } = await doctorIn(0, await soundStage());
    for (const { setting, setTo, where } of ACCOUNT_SETTINGS) {
      expect(stdout).toContain(`${setting}: ${setTo} (${where})`);
    }
  });

  it('exits 1 for one that is not, with what to do, in 80 columns and with no secret in it', async () => {
    const patient = await soundStage();
    patient.aws.deployment.pointInTimeRecovery = false;
    patient.aws.deployment.alarms = [];
    patient.parameter('stripe-webhook-secrets').Value = 'hunter2';
    const { code, stdout: coloured } = await doctor(patient);
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
    // A command is broken where it can be; what is one word has a line of its own.
    const long = stdout.split('\n').filter((line) => line.length > 80);
    expect(long.filter((line) => line.trim().includes(' ') && !line.includes('--'))).toEqual([]);
  });

  it('answers programs with one JSON document', async () => {
    const patient = await soundStage();
    patient.aws.deployment.mailAccount.SendingEnabled = false;
    const { code, stdout } = await doctor(patient, '--json');
    const { stage, fit, verdict, checks } = Report.parse(JSON.parse(stdout));
    expect([code, stage, fit, verdict]).toEqual([1, STAGE, false, 'not_fit']);
    expect(checks.filter(({ state }) => state !== 'ok').map(({ id }) => id)).toEqual(['mail-account']);
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

describe('a check that could not be made', () => {
  const doctor = async ({ aws, stripeUrl }: Patient, ...more: string[]) => {
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    return runInShell(['doctor', '--stage', STAGE, ...more], { env: { STRIPE_API_BASE: stripeUrl } });
  };
  const unreadable = async () => {
    const patient = await soundStage();
    for (const operation of ['DescribeContinuousBackups', 'GetAccount'])
      patient.aws.deployment.denied.add(operation);
    return patient;
  };

  it('is not called unfit: exit code 3, no verdict on fitness, and the text says so', async () => {
    const patient = await unreadable();
    const { code, stdout } = await doctor(patient);
    expect(code).toBe(3);
    expect(stdout).toMatch(
      new RegExp(
        `^${STAGE} could not be checked: ${CHECKLIST.length - 2} ok, 0 wrong, 2 could not be checked\\.$`,
        'm',
      ),
    );
    expect(stdout).not.toContain('not fit');
    const { verdict, fit } = Report.parse(JSON.parse((await doctor(patient, '--json')).stdout));
    expect([verdict, fit]).toEqual(['not_checked', null]);
  });

  it('is one that never answers: it is given up, and what needs it is not checked', async () => {
    const checks = [
      { id: 'silent', title: 'Silent', run: () => new Promise<never>(() => {}) },
      { id: 'after', title: 'After', needs: ['silent'], run: async () => ok('x') },
    ];
    const results = await examineChecks(checks, null, { timeoutMs: 1, onDone: () => {} });
    expect(results).toMatchObject([
      { state: 'unknown', detail: expect.stringContaining('no answer within') },
      { state: 'blocked', detail: 'not checked, it waits for: Silent' },
    ]);
    expect(verdictOf(results)).toBe('not_checked');
  });

  it('leaves a stage unfit where another check found something wrong', async () => {
    const patient = await unreadable();
    patient.aws.deployment.alarms = [];
    const { code, stdout } = await doctor(patient);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/is not fit: .* 1 wrong, 2 could not be checked/),
    ]);
  });

  it('is one line together with all that the same cause stands in the way of', async () => {
    const patient = await soundStage();
    for (const operation of ['DescribeAlarms', 'GetAccount']) patient.aws.deployment.denied.add(operation);
    const lines = (await doctor(patient)).stdout.split('\n').filter((line) => line.startsWith('?'));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^\? {6}Alarms, Alarms tell somebody: could not be checked: /);
  });
});

describe('doctor on a local stack', () => {
  /** What a stack on this machine consists of, without the processes. */
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
    const api = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ status: 'ok', stage: 'dev' }));
    }).listen(port, '127.0.0.1');
    onTestFinished(() => {
      api.closeAllConnections();
      api.close();
    });
    const double = await startStripeDouble({ apiKey: KEY, deliveryAttempts: 1 });
    onTestFinished(() => double.stop());
    const stripe = openSetupStripe(KEY, double.url);
    const { id: proPriceId } = (await ensureProPrice(stripe)).price;
    const { id: endpointId } = await ensureWebhookEndpoint(stripe, url + WEBHOOK_PATH);
    const settings = { secretKey: KEY, webhookSecrets: [], apiBase: double.url, proPriceId };
    onTestFinished(noteRunningStack(port, { endpoint, lambdaEndpoint: url, stripe: settings }));
    return { port, stripe, endpointId, proPriceId };
  }

  const doctor = async (port: number) => {
    const { code, stdout } = await runInShell(['doctor', '--json'], { env: { PORT: String(port) } });
    const { fit, checks } = Report.parse(JSON.parse(stdout));
    const having = (wanted: string) => checks.filter(({ state }) => state === wanted).map(({ id }) => id);
    return { code, fit, ok: having('ok'), absent: having('absent'), wrong: having('wrong') };
  };

  it('looks at what one machine has, and says what it has not', async () => {
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
        'webhook-endpoint',
        'webhook-enabled',
        'webhook-version',
        'webhook-events',
        'webhook-single',
        'health',
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

  it('finds what is wrong with it', async () => {
    const { port, stripe, endpointId, proPriceId } = await localStack();
    await stripe.webhookEndpoints.update(endpointId, { enabled_events: ['invoice.paid'] });
    await stripe.prices.update(proPriceId, { active: false });
    expect(await doctor(port)).toMatchObject({ code: 1, fit: false, wrong: ['price', 'webhook-events'] });
  });
});
