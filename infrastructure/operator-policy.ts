import { ALARM_TOPIC } from './alarms.ts';
import type { DeployedService } from './service.ts';
import { arn, attribute, type Resource, ref } from './template.ts';

const PARAMETERS = ['stripe-secret-key', 'stripe-pro-price-id', 'stripe-webhook-secrets'];

const allow = (Action: readonly string[], Resource: unknown) => ({ Effect: 'Allow', Action, Resource });

/**
 * What the people who run the service may do, to be attached to their role: invoke the functions made for them, look at the
 * table, and what `doctor` looks at. They write nothing by themselves: each write goes through a function, which keeps the
 * rules.
 */
export function operatorPolicy({
  name,
  stage,
  tableName,
  parameters,
  noticeIdentity,
  functions,
}: DeployedService): Record<string, Resource> {
  const table = attribute('LedgerTable', 'Arn');
  return {
    OperatorPolicy: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        ManagedPolicyName: `${name}-${stage}-operator`,
        Description: `Runs ${name} on ${stage} from the command line`,
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [
            allow(
              ['lambda:InvokeFunction'],
              functions
                .filter(({ operator }) => operator)
                .map(({ logicalId }) => attribute(logicalId, 'Arn')),
            ),
            allow(
              ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan'],
              [table, arn('dynamodb', `table/${tableName}/index/due`)],
            ),
            allow(
              ['dynamodb:DescribeContinuousBackups', 'dynamodb:DescribeTable', 'dynamodb:DescribeTimeToLive'],
              table,
            ),
            allow(
              ['ssm:GetParameter'],
              PARAMETERS.map((parameter) => arn('ssm', `parameter${parameters}/${parameter}`)),
            ),
            allow(
              ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:ReceiveMessage'],
              [attribute('NoticeDeadLetters', 'Arn'), attribute('ScheduleDeadLetters', 'Arn')],
            ),
            // Whoever asks for a stack by its name is asked for a right to `stack/<name>/*`, and not to the stack's own id.
            allow(
              ['cloudformation:DescribeStacks', 'cloudformation:ListStackResources'],
              arn('cloudformation', `stack/${name}-${stage}/*`),
            ),
            allow(['sns:ListSubscriptionsByTopic'], ref(ALARM_TOPIC)),
            allow(['ses:GetEmailIdentity'], arn('ses', `identity/${noticeIdentity}`)),
            // These list what the whole account has; AWS knows no narrower right to it.
            allow(['cloudwatch:DescribeAlarms'], arn('cloudwatch', 'alarm:*')),
            allow(['events:ListRules', 'lambda:ListEventSourceMappings', 'ses:GetAccount'], '*'),
          ],
        },
      },
    },
  };
}
