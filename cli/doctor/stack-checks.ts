import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { ALARM_SUBSCRIPTION, ALARM_TOPIC } from '../../infrastructure/alarms.ts';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import type { DeployedStack } from './aws-reads.ts';
import { type Check, ok, wrong } from './check.ts';
import { deploy, deployOrPutBack, oneByOne } from './remedies.ts';
import { onThisMachine, type Site } from './site.ts';

const SOUND_STATES: ReadonlySet<string> = new Set([
  'CREATE_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_IN_PROGRESS',
  'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
]);

/** What the stage is deployed as, and who watches it. */
export const STACK_CHECKS: readonly Check<Site>[] = [
  {
    id: 'stack',
    title: 'Stack',
    absent: onThisMachine,
    run: async (site) => {
      const { stackName } = site.definition;
      const stack = await site.stack();
      if (stack === null) return wrong(`there is no stack ${stackName}`, deploy(site));
      if (stack.apiUrl === null) return wrong(`${stackName} has no output ApiUrl`, deploy(site));
      return ok(`${stackName}, ${stack.apiUrl}`);
    },
  },
  {
    id: 'stack-state',
    title: 'Last deploy',
    needs: ['stack'],
    absent: onThisMachine,
    run: async (site) => {
      const { status } = await deployed(site);
      if (SOUND_STATES.has(status)) return ok(status);
      return wrong(`it ended as ${status}`, {
        advice: 'What went wrong is the first failure that this lists:',
        command: ['aws cloudformation describe-stack-events', `--stack-name ${site.definition.stackName}`],
      });
    },
  },
  {
    id: 'alarms',
    title: 'Alarms',
    absent: onThisMachine,
    run: async (site) => {
      const wanted = site.definition.alarms;
      const there = new Set((await site.alarms()).map(({ AlarmName }) => AlarmName));
      const missing = wanted.filter((name) => !there.has(name));
      return missing.length === 0
        ? ok(`all ${wanted.length}`)
        : wrong(`missing: ${missing.join(', ')}`, deployOrPutBack(site));
    },
  },
  {
    id: 'alarm-actions',
    title: 'Alarms tell somebody',
    absent: onThisMachine,
    run: async (site) => {
      const wanted = new Set(site.definition.alarms);
      const alarms = (await site.alarms()).filter(({ AlarmName }) => wanted.has(AlarmName ?? ''));
      const names = (mute: readonly (typeof alarms)[number][]) => mute.map(({ AlarmName }) => AlarmName);
      const without = names(alarms.filter(({ AlarmActions = [] }) => AlarmActions.length === 0));
      if (without.length > 0) return wrong(`without an action: ${without.join(', ')}`, deployOrPutBack(site));
      const off = names(alarms.filter(({ ActionsEnabled }) => ActionsEnabled !== true));
      if (off.length === 0)
        return ok(`each of the ${alarms.length} that are there has an action, and it is on`);
      return wrong(`actions are off: ${off.join(', ')}`, {
        command: ['aws cloudwatch enable-alarm-actions', `--alarm-names ${off.join(' ')}`],
      });
    },
  },
  {
    id: 'alarm-address',
    title: 'Who hears of alarms',
    needs: ['stack'],
    absent: onThisMachine,
    run: async (site) => {
      const { alarmEmail, stage } = site.definition;
      if (alarmEmail !== '') {
        const { resources } = await deployed(site);
        const topic = resources.get(ALARM_TOPIC);
        if (topic === undefined || !resources.has(ALARM_SUBSCRIPTION))
          return wrong(`${alarmEmail} is not subscribed`, deploy(site));
        const subscription = await site.subscription(topic, alarmEmail);
        if (subscription === 'confirmed') return ok(`${alarmEmail}, who has confirmed it`);
        return wrong(
          subscription === 'pending'
            ? `${alarmEmail} has not confirmed it, and hears of nothing`
            : `the subscription of ${alarmEmail} is gone: it was not confirmed in time, or deleted`,
          {
            advice: 'The link is in a mail from AWS. This sends another:',
            command: [
              'aws sns subscribe',
              `--topic-arn ${topic}`,
              '--protocol email',
              `--notification-endpoint ${alarmEmail}`,
            ],
          },
        );
      }
      if (!isLiveStage(stage)) return ok(`nobody, which will do for ${stage}`);
      return wrong('nobody', {
        advice: `Put an address into alarmEmail of ${stage}, under params in serverless.yml, and deploy.`,
      });
    },
  },
  {
    id: 'schedules',
    title: 'Schedules',
    needs: ['stack'],
    absent: onThisMachine,
    run: async (site) => {
      const { resources } = await deployed(site);
      const rules = new Map((await site.rules()).map((rule) => [rule.Name, rule]));
      const wanted = site.definition.schedules.map(({ functionKey, logicalId }) => ({
        functionKey,
        rule: rules.get(resources.get(logicalId)),
      }));
      const missing = wanted.filter(({ rule }) => rule === undefined);
      if (missing.length > 0) {
        return wrong(
          `missing: of ${missing.map((one) => one.functionKey).join(', ')}`,
          deployOrPutBack(site),
        );
      }
      const off = wanted.filter(({ rule }) => rule?.State === 'DISABLED');
      if (off.length === 0) {
        return ok(
          wanted.map(({ functionKey, rule }) => `${functionKey} ${rule?.ScheduleExpression}`).join(', '),
        );
      }
      return wrong(`off: of ${off.map((one) => one.functionKey).join(', ')}`, {
        command: oneByOne(off.map(({ rule }) => `aws events enable-rule --name ${rule?.Name}`)),
      });
    },
  },
  {
    id: 'dead-letters',
    title: 'Dead letters',
    needs: ['stack'],
    absent: onThisMachine,
    run: async (site) => {
      const { resources } = await deployed(site);
      const { deadLetterQueues: wanted } = site.definition;
      const missing = wanted.filter((logicalId) => !resources.has(logicalId));
      if (missing.length > 0) return wrong(`missing: ${missing.join(', ')}`, deploy(site));
      const waiting: string[] = [];
      for (const logicalId of wanted) {
        const count = await lettersIn(site, resources.get(logicalId));
        if (count > 0) waiting.push(`${count} in ${logicalId}`);
      }
      if (waiting.length === 0) return ok(`none in ${wanted.join(', ')}`);
      return wrong(waiting.join(', '), {
        advice: 'What lies there, and what to do about it: "Alarms" in docs/operate.md.',
      });
    },
  },
];

/** @throws Error when there is no stack, which `needs` has seen to */
async function deployed(site: Site): Promise<DeployedStack> {
  const stack = await site.stack();
  if (stack === null) throw new Error(`there is no stack ${site.definition.stackName}`);
  return stack;
}

/** Also those that somebody is looking at just now. */
async function lettersIn({ sqs }: Site, QueueUrl: string | undefined): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return Object.values(Attributes ?? {}).reduce((sum, count) => sum + Number(count), 0);
}
