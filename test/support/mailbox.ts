import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MailboxServer, startMailbox } from '../../local/mailbox/server.ts';

/** A stand-in for Amazon SES of a test's own; what it was given is gone with it. */
export async function startTestMailbox(): Promise<MailboxServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mailbox-'));
  const post = await startMailbox({ file: join(folder, 'mailbox.jsonl'), keep: false });
  return {
    ...post,
    stop: async () => {
      await post.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
