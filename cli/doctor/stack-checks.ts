import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { ALARM_SUBSCRIPTION, ALARM_TOPIC } from '../../infrastructure/alarms.ts';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import type { DeployedStack } from './aws-reads.ts';
import { type Check, ok, wrong } from './check.ts';
import { deploy, deployOrRecreate, inSequence } from './remedies.ts';
import { absentOnLocalStack, type Site } from './site.ts';

const HEALTHY_STATES: ReadonlySet<string> = new Set([
  'CREATE_COMPLETE',
  'IMPORT_COMPLETE',
  'UPDATE_COMPLETE',
  'UPDATE_IN_PROGRESS',
  'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
]);

/** The deployed stack, its schedules and queues, and its alarms. */
export const STACK_CHECKS: readonly Check<Site>[] = [
  {
    id: 'stack',
    title: 'Stack',
    absentReason: absentOnLocalStack,
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
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const { status } = await deployed(site);
      if (HEALTHY_STATES.has(status)) return ok(status);
      return wrong(`ended as ${status}`, {
        advice: 'The cause is the first failure in this list:',
        command: ['aws cloudformation describe-stack-events', `--stack-name ${site.definition.stackName}`],
      });
    },
  },
  {
    id: 'stack-protection',
    title: 'Termination protection',
    needs: ['stack'],
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const { stackName, isProtected, stage } = site.definition;
      if ((await deployed(site)).isProtected) return ok('on');
      if (!isProtected) return ok(`off, which is enough for ${stage}`);
      return wrong('off: one call deletes the API', {
        command: [
          'aws cloudformation update-termination-protection',
          '--enable-termination-protection',
          `--stack-name ${stackName}`,
        ],
      });
    },
  },
  {
    id: 'alarms',
    title: 'Alarms',
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const expected = site.definition.alarms;
      const actual = new Set((await site.alarms()).map(({ AlarmName }) => AlarmName));
      const missing = expected.filter((name) => !actual.has(name));
      return missing.length === 0
        ? ok(`all ${expected.length}`)
        : wrong(`missing: ${missing.join(', ')}`, deployOrRecreate(site));
    },
  },
  {
    id: 'alarm-actions',
    title: 'Alarm actions',
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const expected = new Set(site.definition.alarms);
      const alarms = (await site.alarms()).filter(({ AlarmName }) => expected.has(AlarmName ?? ''));
      const names = (silent: readonly (typeof alarms)[number][]) => silent.map(({ AlarmName }) => AlarmName);
      const without = names(alarms.filter(({ AlarmActions = [] }) => AlarmActions.length === 0));
      if (without.length > 0)
        return wrong(`without an action: ${without.join(', ')}`, deployOrRecreate(site));
      const off = names(alarms.filter(({ ActionsEnabled }) => ActionsEnabled !== true));
      if (off.length === 0) return ok(`all ${alarms.length} existing alarms have an enabled action`);
      return wrong(`actions are off: ${off.join(', ')}`, {
        command: ['aws cloudwatch enable-alarm-actions', `--alarm-names ${off.join(' ')}`],
      });
    },
  },
  {
    id: 'alarm-address',
    title: 'Alarm address',
    needs: ['stack'],
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const { alarmEmail, stage } = site.definition;
      if (alarmEmail !== '') {
        const { resources } = await deployed(site);
        const topic = resources.get(ALARM_TOPIC);
        if (topic === undefined || !resources.has(ALARM_SUBSCRIPTION))
          return wrong(`${alarmEmail} is not subscribed`, deploy(site));
        const subscription = await site.subscription(topic, alarmEmail);
        if (subscription === 'confirmed') return ok(`${alarmEmail}, confirmed`);
        return wrong(
          subscription === 'pending'
            ? `${alarmEmail} has not confirmed the subscription and gets no alarms`
            : `the subscription of ${alarmEmail} is missing: not confirmed in time, or deleted`,
          {
            advice: 'The confirmation link is in an e-mail from AWS. This sends another:',
            command: [
              'aws sns subscribe',
              `--topic-arn ${topic}`,
              '--protocol email',
              `--notification-endpoint ${alarmEmail}`,
            ],
          },
        );
      }
      if (!isLiveStage(stage)) return ok(`none, which is enough for ${stage}`);
      return wrong('none', {
        advice: `Set alarmEmail of ${stage}, under params in serverless.yml, and deploy.`,
      });
    },
  },
  {
    id: 'schedules',
    title: 'Schedules',
    needs: ['stack'],
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const { resources } = await deployed(site);
      const rules = new Map((await site.rules()).map((rule) => [rule.Name, rule]));
      const expected = site.definition.schedules.map(({ functionKey, logicalId }) => ({
        functionKey,
        rule: rules.get(resources.get(logicalId)),
      }));
      const missing = expected.filter(({ rule }) => rule === undefined);
      if (missing.length > 0) {
        return wrong(
          `missing for: ${missing.map((one) => one.functionKey).join(', ')}`,
          deployOrRecreate(site),
        );
      }
      const off = expected.filter(({ rule }) => rule?.State === 'DISABLED');
      if (off.length === 0) {
        return ok(
          expected.map(({ functionKey, rule }) => `${functionKey} ${rule?.ScheduleExpression}`).join(', '),
        );
      }
      return wrong(`off for: ${off.map((one) => one.functionKey).join(', ')}`, {
        command: inSequence(off.map(({ rule }) => `aws events enable-rule --name ${rule?.Name}`)),
      });
    },
  },
  {
    id: 'dead-letters',
    title: 'Dead letters',
    needs: ['stack'],
    absentReason: absentOnLocalStack,
    run: async (site) => {
      const { resources } = await deployed(site);
      const { deadLetterQueues: expected } = site.definition;
      const missing = expected.filter((logicalId) => !resources.has(logicalId));
      if (missing.length > 0) return wrong(`missing: ${missing.join(', ')}`, deploy(site));
      const waiting: string[] = [];
      for (const logicalId of expected) {
        const count = await countMessages(site, resources.get(logicalId));
        if (count > 0) waiting.push(`${count} in ${logicalId}`);
      }
      if (waiting.length === 0) return ok(`none in ${expected.join(', ')}`);
      return wrong(waiting.join(', '), {
        advice: 'What the messages are and what to do: "Alarms" in docs/operate.md.',
      });
    },
  },
];

/** The stack exists, because `needs` requires it. @throws Error otherwise */
export async function deployed(site: Site): Promise<DeployedStack> {
  const stack = await site.stack();
  if (stack === null) throw new Error(`there is no stack ${site.definition.stackName}`);
  return stack;
}

/** Includes messages that a consumer has received but not deleted. */
async function countMessages({ sqs }: Site, QueueUrl: string | undefined): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return Object.values(Attributes ?? {}).reduce((sum, count) => sum + Number(count), 0);
}
