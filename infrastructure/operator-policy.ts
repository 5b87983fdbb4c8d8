import { ALARM_TOPIC } from './alarms.ts';
import type { DeployedService } from './service.ts';
import { arn, attribute, type Resource, ref, sub } from './template.ts';

const PARAMETERS = ['stripe-secret-key', 'stripe-pro-price-id', 'stripe-webhook-secrets'];

const allow = (Action: readonly string[], Resource: unknown) => ({ Effect: 'Allow', Action, Resource });

/** The gateway's ARNs have no account. */
const gatewayArn = (path: string) => sub(`arn:\${AWS::Partition}:apigateway:\${AWS::Region}::${path}`);

/**
 * The permissions of operators, to be attached to their role: invoke the operator functions, read the table,
 * and read what `doctor` checks. Operators cannot write directly. Each write goes through a function, which
 * enforces the rules.
 */
export function operatorPolicy({
  name,
  stage,
  tableName,
  parameters,
  noticeIdentity,
  domainName,
  certificateArn,
  copyRegion,
  functions,
}: DeployedService): Record<string, Resource> {
  const table = attribute('LedgerTable', 'Arn');
  return {
    OperatorPolicy: {
      Type: 'AWS::IAM::ManagedPolicy',
      Properties: {
        ManagedPolicyName: `${name}-${stage}-operator`,
        Description: `Operates ${name} on ${stage} from the command line`,
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
            // For a stack requested by name, AWS checks the permission on `stack/<name>/*`, not on the
            // stack's id.
            allow(
              ['cloudformation:DescribeStacks', 'cloudformation:ListStackResources'],
              arn('cloudformation', `stack/${name}-${stage}/*`),
            ),
            allow(['sns:ListSubscriptionsByTopic'], ref(ALARM_TOPIC)),
            allow(['ses:GetEmailIdentity'], arn('ses', `identity/${noticeIdentity}`)),
            ...(domainName === ''
              ? []
              : [
                  allow(['acm:DescribeCertificate'], certificateArn),
                  allow(
                    ['apigateway:GET'],
                    [
                      gatewayArn(`/domainnames/${domainName}`),
                      gatewayArn(`/domainnames/${domainName}/apimappings`),
                    ],
                  ),
                ]),
            ...(copyRegion === '' ? [] : [allow(['backup:ListCopyJobs'], '*')]),
            // These actions list resources of the whole account. AWS supports no narrower permission.
            allow(['cloudwatch:DescribeAlarms'], arn('cloudwatch', 'alarm:*')),
            allow(['events:ListRules', 'lambda:ListEventSourceMappings', 'ses:GetAccount'], '*'),
          ],
        },
      },
    },
  };
}
