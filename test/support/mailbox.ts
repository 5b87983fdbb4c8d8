import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MailboxServer, startMailbox } from '../../local/mailbox/server.ts';

/** Starts a separate stand-in for Amazon SES. Stopping it deletes all messages. */
export async function startTestMailbox(): Promise<MailboxServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mailbox-'));
  const server = await startMailbox({ file: join(folder, 'mailbox.jsonl'), keep: false });
  return {
    ...server,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
