import { vi } from 'vitest';
import { startFaultyEngine } from '../../test/support/faulty-engine.ts';
import { openMoney } from '../../test/support/money.ts';
import { engineEndpoint, openTestTable } from '../../test/support/table.ts';
import type { Template } from '../template/template.ts';
import { startParametersAndMail } from './aws.ts';
import { deployedStage } from './deployed.ts';
import { startGateway } from './gateway.ts';
import { WEBHOOK_SECRET } from './healthy.ts';
import { RunningStage } from './running-stage.ts';

const PARAMETERS = '/rsolv-billing/alarms';

/** Starts a stage at the given time. Only one runs in a test file, because functions read the environment. */
export async function startStage(
  template: Template,
  stage: string,
  startedAt: string,
): Promise<{ running: RunningStage; stop: () => Promise<void> }> {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.parse(startedAt));
  const deployed = deployedStage(template, stage);
  const table = await openTestTable();
  const stops: (() => Promise<void>)[] = [];
  const money = await openMoney(table, { endWith: (stop) => stops.push(stop) });
  const engine = await startFaultyEngine(await engineEndpoint());
  const { SERVICE_NAME, METRICS_NAMESPACE } = deployed.environment;
  const { PROBE_PARAMETER = '', FUNCTION_PREFIX = '' } = deployed.environment;
  const { STRIPE_SECRET_KEY = '', STRIPE_PRO_PRICE_ID = '', STRIPE_API_BASE } = money.env;
  const aws = await startParametersAndMail({
    'stripe-secret-key': STRIPE_SECRET_KEY,
    'stripe-pro-price-id': STRIPE_PRO_PRICE_ID,
    'stripe-webhook-secrets': WEBHOOK_SECRET,
  });
  Object.assign(process.env, {
    // A live stage would reject the stand-in's test mode.
    STAGE: 'test',
    TABLE_NAME: table.name,
    DYNAMODB_ENDPOINT: engine.endpoint,
    STRIPE_API_BASE,
    AWS_ENDPOINT_URL_SSM: aws.url,
    AWS_ENDPOINT_URL_SESV2: aws.url,
    STRIPE_SECRET_KEY_PARAMETER: `${PARAMETERS}/stripe-secret-key`,
    STRIPE_PRO_PRICE_ID_PARAMETER: `${PARAMETERS}/stripe-pro-price-id`,
    STRIPE_WEBHOOK_SECRETS_PARAMETER: `${PARAMETERS}/stripe-webhook-secrets`,
    NOTICE_SENDER: 'billing@rsolv.dev',
    APP_URL: 'https://app.rsolv.dev',
    SERVICE_NAME,
    METRICS_NAMESPACE,
    // Of the probe, which not every stage has.
    PROBE_PARAMETER,
    FUNCTION_PREFIX,
  });
  const running = new RunningStage(deployed, money, aws, engine);
  const gateway = await startGateway(running, FUNCTION_PREFIX);
  process.env['API_URL'] = gateway.url;
  process.env['AWS_ENDPOINT_URL_LAMBDA'] = gateway.url;
  const stop = async () => {
    vi.restoreAllMocks();
    await gateway.stop();
    aws.stop();
    engine.close();
    for (const end of stops) await end();
    vi.useRealTimers();
  };
  return { running, stop };
}
