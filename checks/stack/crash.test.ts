import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { localDeps } from '../../cli/stage/local-deps.ts';
import { runningStack } from '../../cli/stage/running.ts';
import { readServerlessFile } from '../../cli/stage/serverless-file.ts';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { expectSoundLedger } from '../../test/support/customers.ts';
import { fixBody } from '../../test/support/http.ts';
import { type RunningStack, startStack, useTestCredentials } from '../../test/support/running-stack.ts';

/*
 * Kills the stack under load without warning, three times over the same ledger on disk. Every answered result
 * must persist, and repeating all requests must change nothing.
 */

const CREDITS = 1_000;
const FIXES = 120;
const WORKERS = 6;
const KILL_AFTER_ANSWERS = [7, 23, 41];

const dataDir = mkdtempSync(join(tmpdir(), 'rsolv-billing-crash-'));
afterAll(() => rmSync(dataDir, { recursive: true }));

function depsOf({ port }: RunningStack) {
  const { endpoint, stripe } = runningStack(port);
  return localDeps(endpoint, readServerlessFile().tableName, stripe);
}

/** Records and bills a fix. Returns the billing's answer, or null if the stack ended first. */
async function deploy(
  { url, apiKey }: RunningStack,
  prNumber: number,
): Promise<{ status: number; id: string } | null> {
  const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' };
  try {
    const body = JSON.stringify(fixBody(prNumber));
    const recorded = await fetch(`${url}/api/v1/fix-attempts`, { method: 'POST', headers, body });
    const { id } = (await recorded.json()) as { id: string };
    const billed = await fetch(`${url}/api/v1/fix-attempts/${id}/billing`, { method: 'POST', headers });
    await billed.text();
    return { status: billed.status, id };
  } catch {
    return null;
  }
}

/** Bills all fixes with several concurrent workers, until all are done or the stack is killed. */
async function load(stack: RunningStack, answered: Map<number, string>, killAfter: number): Promise<void> {
  let next = 1;
  let count = 0;
  const worker = async () => {
    while (next <= FIXES) {
      const prNumber = next++;
      const answer = await deploy(stack, prNumber);
      if (answer === null) return;
      expect(answer.status).toBe(200);
      answered.set(prNumber, answer.id);
      count += 1;
      if (count === killAfter) stack.process.kill('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
}

describe('kill -9 in the middle of load', () => {
  it('after kill -9 under load, every answered change is stored, and repeating every call bills each fix once', async () => {
    useTestCredentials();
    const answered = new Map<number, string>();
    let customerId = '';
    for (const killAfter of KILL_AFTER_ANSWERS) {
      const stack = await startStack({ DATA_DIR: dataDir });
      if (customerId === '') {
        customerId = stack.customerId;
        const amount = CREDITS - 5;
        await adjustCredits(depsOf(stack), customerId, {
          amount,
          reason: 'load',
          actor: 'test',
          idempotencyKey: 'load',
        });
      }
      expect(stack.customerId).toBe(customerId);
      await load(stack, answered, killAfter);
      await stack.end('SIGKILL');
    }

    const stack = await startStack({ DATA_DIR: dataDir });
    try {
      const deps = depsOf(stack);
      const afterCrashes = await expectSoundLedger(deps, customerId);
      const billed = new Set(afterCrashes.fixes.filter((fix) => fix.billed).map(({ id }) => id));
      for (const [prNumber, id] of answered) expect([prNumber, billed.has(id)]).toEqual([prNumber, true]);

      await load(stack, answered, Number.POSITIVE_INFINITY);
      const { head, entries } = await expectSoundLedger(deps, customerId);
      expect(answered.size).toBe(FIXES);
      expect(head.balance).toBe(CREDITS - FIXES);
      expect(entries).toHaveLength(2 + FIXES);
    } finally {
      expect(await stack.end('SIGINT')).toBe(0);
    }
  }, 180_000);
});
