import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';
import { openSes } from '../lib/mail/ses.ts';
import { deliverNotice, type MailDeps } from '../lib/operations/notices/deliver-notice.ts';
import { countBusiness, loggableError, logger } from '../lib/runtime/observe.ts';
import { startRuntime } from '../lib/runtime/start.ts';
import { parseMailConfig } from '../lib/settings/mail.ts';
import { noticeWords, parseNoticeKey } from '../lib/store/keys.ts';

const processor = new BatchProcessor(EventType.DynamoDBStreams);

/** One start for each running function, at its first call. */
let runtime: MailDeps | undefined;
const deps = (): MailDeps => (runtime ??= start());

/** On the table's stream: each notice that was just written is sent. Those that fail are reported, and come again. */
export const handler = async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
  // Where the settings are wrong, that is not the fault of any one notice.
  deps();
  const batch = await processPartialResponse(event, deliver, processor, { throwOnFullBatchFailure: false });
  return {
    batchItemFailures: batch.batchItemFailures.map(({ itemIdentifier }) => ({ itemIdentifier })),
  };
};

function start(): MailDeps {
  const { sender, appUrl, apiUrl } = parseMailConfig(process.env);
  return { ...startRuntime(process.env), mail: openSes(process.env, sender), appUrl, apiUrl };
}

async function deliver({ dynamodb }: DynamoDBRecord): Promise<void> {
  const key = { pk: dynamodb?.Keys?.['pk']?.S ?? '', sk: dynamodb?.Keys?.['sk']?.S ?? '' };
  const { customerId, kind, id } = noticeWords(key);
  const line = { customer_id: customerId, kind, notice_id: id };
  try {
    const name = parseNoticeKey(key);
    if (name === null) throw new Error('this release knows no such kind of notice');
    const outcome = await deliverNotice(deps(), name);
    if (outcome === 'taken') throw new Error('another delivery has taken it and is not done');
    logger.info('notice', { ...line, outcome });
    if (outcome === 'sent') countBusiness('NoticeSent');
  } catch (error) {
    logger.error('notice not delivered', { ...line, error: loggableError(error) });
    countBusiness('NoticeFailed');
    throw error;
  }
}
