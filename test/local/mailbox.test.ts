import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { startTestMailbox } from '../support/mailbox.ts';

it('the mailbox refuses what is no message, also what is no JSON', async () => {
  const post = await startTestMailbox();
  for (const body of ['', 'no JSON', '{}', '[]']) {
    const answer = await fetch(`${post.url}/v2/email/outbound-emails`, { method: 'POST', body });
    expect(answer.status).toBe(400);
  }
  expect(post.mailbox.newestFirst).toEqual([]);
  await post.stop();
});

it('the mailbox of a test leaves nothing in the temporary folder', async () => {
  const post = await startTestMailbox();
  const folder = dirname(post.mailbox.file);
  expect(existsSync(folder)).toBe(true);
  await post.stop();
  expect(existsSync(folder)).toBe(false);
});
