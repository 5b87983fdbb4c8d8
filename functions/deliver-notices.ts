import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { openSes } from '../lib/mail/ses.ts';
import type { MailDeps } from '../lib/operations/notices/deliver-notice.ts';
import { deliverStored } from '../lib/operations/notices/deliver-stored.ts';
import { runningDeps } from '../lib/runtime/running.ts';
import { parseMailConfig } from '../lib/settings/mail.ts';

let mailDeps: MailDeps | undefined;

/**
 * Reads the table's stream and sends each new notice. Failed notices are reported, and the stream retries
 * them. The notices of one customer are sent one after the other, so that the second finds that the first has
 * said the same. A batch has at most 10, and SES may take 5 seconds for each: less than the function's time.
 */
export const handler = async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  // Outside the batch: wrong settings are not the fault of any one notice.
  mailDeps ??= start();
  const deps = mailDeps;
  const ofCustomers = Map.groupBy(event.Records, ({ dynamodb }) => dynamodb?.Keys?.['pk']?.S ?? '');
  const failed = (await Promise.all([...ofCustomers.values()].map((some) => failedOf(deps, some)))).flat();
  // A record without a number makes Lambda repeat the whole batch.
  return {
    batchItemFailures: failed.map(({ dynamodb }) => ({ itemIdentifier: dynamodb?.SequenceNumber ?? '' })),
  };
};

async function failedOf(deps: MailDeps, records: readonly DynamoDBRecord[]): Promise<DynamoDBRecord[]> {
  const failed: DynamoDBRecord[] = [];
  for (const record of records) {
    await deliverStored(deps, record.dynamodb?.Keys ?? {}).catch(() => failed.push(record));
  }
  return failed;
}

function start(): MailDeps {
  const { sender, ...addresses } = parseMailConfig(process.env);
  return { ...runningDeps(), ...addresses, mail: openSes(process.env, sender) };
}
