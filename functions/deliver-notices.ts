import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { openSes } from '../lib/mail/ses.ts';
import type { MailDeps } from '../lib/operations/notices/deliver-notice.ts';
import { deliverStored } from '../lib/operations/notices/deliver-stored.ts';
import { runningDeps } from '../lib/runtime/running.ts';
import { parseMailConfig } from '../lib/settings/mail.ts';

let mailDeps: MailDeps | undefined;

/**
 * Reads the table's stream and sends each new notice. Failed notices are reported, and the stream retries
 * them.
 */
export const handler = async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  // Outside the batch: wrong settings are not the fault of any one notice.
  mailDeps ??= start();
  const deps = mailDeps;
  const outcomes = await Promise.allSettled(
    event.Records.map(({ dynamodb }) => deliverStored(deps, dynamodb?.Keys ?? {})),
  );
  const failed = event.Records.filter((_, i) => outcomes[i]?.status === 'rejected');
  // A record without a number makes Lambda repeat the whole batch.
  return {
    batchItemFailures: failed.map(({ dynamodb }) => ({ itemIdentifier: dynamodb?.SequenceNumber ?? '' })),
  };
};

function start(): MailDeps {
  const { sender, ...addresses } = parseMailConfig(process.env);
  return { ...runningDeps(), ...addresses, mail: openSes(process.env, sender) };
}
