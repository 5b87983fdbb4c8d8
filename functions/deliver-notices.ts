import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { openSes } from '../lib/mail/ses.ts';
import type { MailDeps } from '../lib/operations/notices/deliver-notice.ts';
import { deliverStored } from '../lib/operations/notices/deliver-stored.ts';
import { runningDeps } from '../lib/runtime/running.ts';
import { parseMailConfig } from '../lib/settings/mail.ts';

const processor = new BatchProcessor(EventType.DynamoDBStreams);
let mailDeps: MailDeps | undefined;

/**
 * Reads the table's stream and sends each new notice. Failed notices are reported, and the stream retries
 * them.
 */
export const handler = async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  // Outside the batch: wrong settings are not the fault of any one notice.
  mailDeps ??= start();
  const deps = mailDeps;
  const deliver = ({ dynamodb }: DynamoDBRecord) => deliverStored(deps, dynamodb?.Keys ?? {});
  const batch = await processPartialResponse(event, deliver, processor, { throwOnFullBatchFailure: false });
  return { batchItemFailures: batch.batchItemFailures.map(({ itemIdentifier }) => ({ itemIdentifier })) };
};

function start(): MailDeps {
  const { sender, ...addresses } = parseMailConfig(process.env);
  return { ...runningDeps(), ...addresses, mail: openSes(process.env, sender) };
}
