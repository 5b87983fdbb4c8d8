import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { SetupError } from './setup-error.ts';

/*
 * The engine listens on whatever port was free. The running stack notes it under its own port, so that the tools for
 * this machine find it. A note left by a stack that was killed leads to an engine that does not answer.
 */

const Note = z.object({ endpoint: z.url() });
const noteOf = (port: number): string => join(tmpdir(), `rsolv-billing-${port}.json`);

/** Returns how to take the note away again. */
export function noteRunningEngine(port: number, endpoint: string): () => void {
  writeFileSync(noteOf(port), JSON.stringify({ endpoint }), { mode: 0o600 });
  return () => rmSync(noteOf(port), { force: true });
}

/** @throws SetupError when no stack has been started on this port */
export function runningEngine(port: number): string {
  try {
    return Note.parse(JSON.parse(readFileSync(noteOf(port), 'utf8'))).endpoint;
  } catch {
    throw new SetupError(`No stack is running on port ${port}. Start one first: npm start`);
  }
}
