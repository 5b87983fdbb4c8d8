import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import type { Handler } from '../../lib/http/handler.ts';
import { type Call, gatewayEvent, invocation } from '../../test/support/gateway.ts';

/** The time limit of bill-fix-attempt. The last of a crowd waits for all before it. */
const REMAINING_MS = 28_000;

/** @throws Error with the answer unless the call succeeds: failures must not be benchmarked */
export async function succeed(handler: Handler, call: Call): Promise<void> {
  const context = { ...invocation(), getRemainingTimeInMillis: () => REMAINING_MS };
  const { statusCode, body } = await handler(gatewayEvent(call), context);
  if (statusCode !== 200 && statusCode !== 201) throw new Error(`a request returned ${statusCode} ${body}`);
}

/** Names of the DynamoDB requests that leave this process while `work` runs, including SDK retries. */
export async function requestsOf(work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const note = (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('request' in message)) return;
    if (!(message.request instanceof ClientRequest)) return;
    const target = String(message.request.getHeader('x-amz-target'));
    if (target.startsWith('DynamoDB_')) names.push(target.replace(/^.*\./, ''));
  };
  subscribe('http.client.request.start', note);
  try {
    await work();
  } finally {
    unsubscribe('http.client.request.start', note);
  }
  return names;
}
