import type { DynamoDBRecord } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handler } from '../../../functions/deliver-notices.ts';
import { fixBlocked } from '../../../lib/domain/notice.ts';
import type { Deps } from '../../../lib/runtime/deps.ts';
import { type Key, keys } from '../../../lib/store/keys.ts';
import { putNotice } from '../../../lib/store/notices.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import type { MailboxServer } from '../../../local/mailbox/server.ts';
import { countedIn, heard } from '../../support/counted.ts';
import { customerWith } from '../../support/fixtures.ts';
import { serveFromTestTable } from '../../support/http-table.ts';
import { startTestMailbox } from '../../support/mailbox.ts';

/* The function's answer to the records of the stream. */

let deps: Deps;
let post: MailboxServer;
beforeAll(async () => {
  deps = await serveFromTestTable();
  post = await startTestMailbox();
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SESV2: post.url,
    NOTICE_SENDER: 'billing@rsolv.dev',
    APP_URL: 'https://app.rsolv.dev',
    API_URL: 'https://api.rsolv.dev',
  });
});
afterAll(() => post.stop());

const record = ({ pk, sk }: Key, SequenceNumber: string): DynamoDBRecord => ({
  eventName: 'INSERT',
  dynamodb: { Keys: { pk: { S: pk }, sk: { S: sk } }, SequenceNumber },
});

describe('a notice of a kind that only a newer release knows', () => {
  it('a notice of a kind of a newer release is the only one that fails, and is logged with its customer and counted', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const known = keys.notice(head.customerId, 'key_issued', keyId);
    const newer = { pk: keys.customer(head.customerId), sk: 'NOTICE#new_kind#n1#2' };
    const { result, lines } = await heard(() =>
      handler({ Records: [record(newer, '1'), record(known, '2')] }),
    );
    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }] });
    expect(countedIn(lines).sort()).toEqual(['NoticeFailed', 'NoticeSent']);
    const said = lines.find((line) => line.includes('notice not delivered')) ?? '{}';
    expect(JSON.parse(said)).toMatchObject({
      level: 'ERROR',
      customer_id: head.customerId,
      kind: 'new_kind',
      notice_id: 'n1#2',
      error: { message: 'this release does not know this kind of notice' },
    });
    expect(post.mailbox.newestFirst.map(({ kind }) => kind)).toEqual(['key_issued']);
  });
});

it('of the blocked fixes of one customer in a batch, one has a letter', async () => {
  const { head } = await customerWith(deps, 5);
  const empty = { ...head, balance: 0, balanceLevel: 'exhausted' } as const;
  const records: DynamoDBRecord[] = [];
  for (const prNumber of [1, 2, 3]) {
    const fix = { id: `f${prNumber}`, githubOrg: 'acme', repoName: 'webshop', prNumber };
    const { customerId, ...rest } = fixBlocked(empty, fix, 'no_billing_info', deps.now());
    await writeTogether(deps.table, [putNotice({ customerId, ...rest })]);
    records.push(record(keys.notice(customerId, 'fix_blocked', rest.id), `${prNumber}`));
  }
  const { result } = await heard(() => handler({ Records: records }));
  expect(result).toEqual({ batchItemFailures: [] });
  const letters = post.mailbox.newestFirst.filter(({ to }) => to === head.email);
  expect(letters.map(({ kind }) => kind)).toEqual(['fix_blocked']);
});
