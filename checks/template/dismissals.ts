/** Findings of checkov that stay as they are. */
export interface Dismissal {
  /** The rule of checkov. */
  readonly rule: string;
  /** What checkov asks for. */
  readonly asks: string;
  /** Logical ids; or a type, if the reason holds for every resource of that type. */
  readonly on: readonly string[];
  readonly reason: string;
}

/** A dismissal that matches no finding any more fails the check, and so does each id that matches none. */
export const DISMISSALS: readonly Dismissal[] = [
  {
    rule: 'CKV_AWS_18',
    asks: 'access logs of the bucket',
    on: ['ServerlessDeploymentBucket'],
    reason:
      'The bucket holds the packages of deploys: no data of customers, and no public access. CloudTrail names ' +
      'who changed the stack.',
  },
  {
    rule: 'CKV_AWS_21',
    asks: 'versions of the objects in the bucket',
    on: ['ServerlessDeploymentBucket'],
    reason: 'Each deploy stores its packages under a name with its own time, so no package is ever replaced.',
  },
  {
    rule: 'CKV_AWS_26',
    asks: 'encryption of the topic',
    on: ['AlarmTopic', 'PagerTopic'],
    reason:
      'CloudWatch cannot publish to a topic under the key `alias/aws/sns`, and a key of our own is one more thing that can ' +
      'silence alarms. Messages name an alarm and no customer.',
  },
  {
    rule: 'CKV_AWS_27',
    asks: 'a KMS key for the queue',
    on: ['NoticeDeadLetters', 'ScheduleDeadLetters'],
    reason:
      'The queues are encrypted with a key of SQS (`SqsManagedSseEnabled`). Messages hold stream positions and schedule events.',
  },
  {
    rule: 'CKV_AWS_115',
    asks: 'reserved concurrency for every function',
    on: ['AWS::Lambda::Function'],
    reason:
      'Concurrency is reserved for functions that call Stripe, which limits requests, and for scheduled ones, ' +
      "which must not overlap. More reservations would take from the account's common pool.",
  },
  {
    rule: 'CKV_AWS_116',
    asks: 'a dead-letter queue for every function',
    on: ['AWS::Lambda::Function'],
    reason:
      'Scheduled functions and the stream have one, as a destination, which the rule does not read. The others ' +
      'are called and answer: their caller learns of a failure.',
  },
  {
    rule: 'CKV_AWS_117',
    asks: 'functions inside a VPC',
    on: ['AWS::Lambda::Function'],
    reason:
      'Nothing of ours is in a VPC. Functions call public endpoints of AWS and Stripe over TLS, under their roles. A VPC ' +
      'would add a NAT gateway that can fail.',
  },
  {
    rule: 'CKV_AWS_119',
    asks: 'a customer managed key for the table',
    on: ['LedgerTable'],
    reason:
      'The table is encrypted with the KMS key of the account, whose use CloudTrail records. A key of our own could be deleted ' +
      'or disabled, and the ledger with it.',
  },
  {
    rule: 'CKV_AWS_158',
    asks: 'a KMS key for the logs',
    on: ['AWS::Logs::LogGroup'],
    reason:
      'Logs are encrypted by CloudWatch, and hold no secret, address or body: `test/http/request-log.test.ts`.',
  },
  {
    rule: 'CKV_AWS_173',
    asks: 'a KMS key for environment variables',
    on: ['AWS::Lambda::Function'],
    reason: 'The variables hold names and no secret: secrets are SecureStrings in Parameter Store.',
  },
  {
    rule: 'CKV_AWS_166',
    asks: 'a KMS key of our own for the vault',
    on: ['BackupVault'],
    reason:
      'AWS Backup encrypts every vault, without a key of our own under `aws/backup`. A key of our own could be ' +
      'deleted, and all copies with it. It is only needed for copies to another account, which `copyAccount` adds.',
  },
];
