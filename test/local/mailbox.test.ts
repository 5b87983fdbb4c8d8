import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startMailbox } from '../../local/mailbox/server.ts';

it('the mailbox refuses what is no message, also what is no JSON', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'mailbox-')), 'mailbox.jsonl');
  const post = await startMailbox({ file, keep: false });
  for (const body of ['', 'no JSON', '{}', '[]']) {
    const answer = await fetch(`${post.url}/v2/email/outbound-emails`, { method: 'POST', body });
    expect(answer.status).toBe(400);
  }
  expect(post.mailbox.newestFirst).toEqual([]);
  await post.stop();
});
