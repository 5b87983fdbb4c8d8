/** What a deploy does to one service of AWS. */
export interface Rights {
  /** The service, as docs/operate.md calls it. */
  readonly service: string;
  /** The parts of CloudFormation's resource types: `AWS::Lambda::Function` has `Lambda`. */
  readonly types: readonly string[];
  readonly resource: (place: Place) => string;
  readonly actions: readonly string[];
}

export interface Place {
  readonly partition: string;
  readonly account: string;
  readonly region: string;
  /** `rsolv-billing-production`. */
  readonly stack: string;
}

const regional =
  (service: string, resource: (stack: string) => string) =>
  ({ partition, region, account, stack }: Place): string =>
    `arn:${partition}:${service}:${region}:${account}:${resource(stack)}`;

/**
 * A sample of the actions that a deploy and the steps before it need: enough to tell a right that is missing.
 * Each is asked about a resource of the stage, so that a policy for these resources only is enough.
 */
export const DEPLOY_RIGHTS: readonly Rights[] = [
  {
    service: 'CloudFormation',
    types: [],
    resource: regional('cloudformation', (stack) => `stack/${stack}/preflight`),
    actions: [
      ...[
        'cloudformation:CreateChangeSet',
        'cloudformation:DescribeChangeSet',
        'cloudformation:DescribeStacks',
      ],
      ...['cloudformation:ExecuteChangeSet', 'cloudformation:ListStackResources'],
      'cloudformation:UpdateTerminationProtection',
    ],
  },
  {
    service: 'S3',
    types: ['S3'],
    resource: ({ partition, stack }) => `arn:${partition}:s3:::${stack}-serverlessdeploymentbucket-1`,
    actions: ['s3:CreateBucket', 's3:ListBucket', 's3:PutBucketPolicy', 's3:PutEncryptionConfiguration'],
  },
  {
    service: 'S3',
    types: ['S3'],
    resource: ({ partition, stack }) =>
      `arn:${partition}:s3:::${stack}-serverlessdeploymentbucket-1/code.zip`,
    actions: ['s3:GetObject', 's3:PutObject'],
  },
  {
    service: 'Lambda',
    types: ['Lambda'],
    resource: regional('lambda', (stack) => `function:${stack}-health`),
    actions: [
      ...['lambda:AddPermission', 'lambda:CreateAlias', 'lambda:CreateFunction', 'lambda:PublishVersion'],
      ...['lambda:PutFunctionConcurrency', 'lambda:PutFunctionEventInvokeConfig', 'lambda:UpdateAlias'],
      ...['lambda:UpdateFunctionCode', 'lambda:UpdateFunctionConfiguration'],
    ],
  },
  {
    service: 'API Gateway',
    types: ['ApiGatewayV2'],
    resource: ({ partition, region }) => `arn:${partition}:apigateway:${region}::/apis`,
    actions: ['apigateway:GET', 'apigateway:PATCH', 'apigateway:POST'],
  },
  {
    service: 'DynamoDB',
    types: ['DynamoDB'],
    resource: regional('dynamodb', (stack) => `table/${stack}`),
    actions: [
      ...['dynamodb:CreateTable', 'dynamodb:DescribeTable', 'dynamodb:UpdateContinuousBackups'],
      ...['dynamodb:UpdateTable', 'dynamodb:UpdateTimeToLive'],
    ],
  },
  {
    service: 'IAM',
    types: ['IAM'],
    resource: ({ partition, account, stack }) => `arn:${partition}:iam::${account}:role/${stack}-preflight`,
    actions: ['iam:CreateRole', 'iam:GetRole', 'iam:PassRole', 'iam:PutRolePolicy'],
  },
  {
    service: 'IAM',
    types: ['IAM'],
    resource: ({ partition, account, stack }) => `arn:${partition}:iam::${account}:policy/${stack}-operator`,
    actions: ['iam:CreatePolicy', 'iam:CreatePolicyVersion'],
  },
  {
    service: 'SQS',
    types: ['SQS'],
    resource: regional('sqs', (stack) => `${stack}-notice-dead-letters`),
    actions: ['sqs:CreateQueue', 'sqs:GetQueueAttributes', 'sqs:SetQueueAttributes'],
  },
  {
    service: 'SNS',
    types: ['SNS'],
    resource: regional('sns', (stack) => `${stack}-alarms`),
    actions: ['sns:CreateTopic', 'sns:GetTopicAttributes', 'sns:Subscribe'],
  },
  {
    service: 'SSM',
    types: [],
    resource: regional('ssm', (stack) => `parameter${parametersOf(stack)}/stripe-secret-key`),
    actions: ['ssm:GetParameter', 'ssm:PutParameter'],
  },
  {
    service: 'CloudWatch',
    types: ['CloudWatch'],
    resource: regional('cloudwatch', (stack) => `alarm:${stack}-defects`),
    actions: ['cloudwatch:DescribeAlarms', 'cloudwatch:PutMetricAlarm'],
  },
  {
    service: 'CloudWatch Logs',
    types: ['Logs'],
    resource: regional('logs', (stack) => `log-group:/aws/lambda/${stack}-health:*`),
    actions: ['logs:CreateLogGroup', 'logs:DescribeLogGroups', 'logs:PutRetentionPolicy'],
  },
  {
    // The gateway's access log. AWS supports no resource for these.
    service: 'CloudWatch Logs',
    types: ['Logs'],
    resource: () => '*',
    actions: ['logs:CreateLogDelivery', 'logs:PutQueryDefinition'],
  },
  {
    service: 'EventBridge',
    types: ['Events'],
    resource: regional('events', (stack) => `rule/${stack}-preflight`),
    actions: ['events:DescribeRule', 'events:PutRule', 'events:PutTargets'],
  },
  {
    service: 'CodeDeploy',
    types: ['CodeDeploy'],
    resource: regional('codedeploy', (stack) => `application:${stack}-preflight`),
    actions: ['codedeploy:CreateApplication', 'codedeploy:GetApplication'],
  },
  {
    service: 'Service Quotas',
    types: [],
    resource: regional('servicequotas', () => 'lambda/L-B99A9384'),
    actions: ['servicequotas:RequestServiceQuotaIncrease'],
  },
  {
    service: 'SES',
    types: [],
    resource: () => '*',
    actions: ['ses:CreateEmailIdentity', 'ses:GetAccount', 'ses:GetEmailIdentity', 'ses:PutAccountDetails'],
  },
];

/** For a stage with a backup plan. */
export const BACKUP_RIGHTS: readonly Rights[] = [
  {
    service: 'AWS Backup',
    types: ['Backup'],
    resource: regional('backup', (stack) => `backup-vault:${stack}`),
    actions: [
      'backup:CreateBackupVault',
      'backup:DescribeBackupVault',
      'backup:PutBackupVaultLockConfiguration',
    ],
  },
  {
    service: 'AWS Backup',
    types: ['Backup'],
    resource: regional('backup', () => 'backup-plan:*'),
    actions: ['backup:CreateBackupPlan', 'backup:CreateBackupSelection'],
  },
];

/** For a stage with its own domain. */
export const DOMAIN_RIGHTS: readonly Rights[] = [
  {
    service: 'ACM',
    types: [],
    resource: regional('acm', () => 'certificate/*'),
    actions: ['acm:DescribeCertificate'],
  },
];

/** `rsolv-billing-production` → `/rsolv-billing/production`. */
const parametersOf = (stack: string): string => `/${stack.replace(/-(\w+)$/, '/$1')}`;
