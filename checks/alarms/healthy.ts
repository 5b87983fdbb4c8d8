import { vi } from 'vitest';
import * as z from 'zod/mini';
import { adjustCredits } from '../../lib/operations/ledger/adjust-credits.ts';
import { signatureHeader } from '../../local/stripe-double/webhooks/signature.ts';
import { uniqueEmail } from '../../test/support/fixtures.ts';
import { MINUTE_MS } from './metrics.ts';
import type { Answered, RunningStage } from './running-stage.ts';

/* What honest callers and Stripe send to a stage, and a history of healthy hours. */

const HOUR = 60;
/** Longer than any alarm looks back. */
const HISTORY_HOURS = 40;
const MANY_CREDITS = 1_000;
export const WEBHOOK_SECRET = 'whsec_alarms';

const SignedUp = z.object({ api_key: z.string(), customer: z.object({ id: z.string() }) });
const Recorded = z.object({ id: z.string() });

/** A customer with credits, who records, looks up and bills fixes. */
export class Caller {
  readonly apiKey: string;
  readonly customerId: string;
  readonly #running: RunningStage;
  #prNumber = 0;

  constructor(running: RunningStage, apiKey: string, customerId: string) {
    this.#running = running;
    this.apiKey = apiKey;
    this.customerId = customerId;
  }

  static async signUp(running: RunningStage): Promise<Caller> {
    const body = { name: 'Acme', email: uniqueEmail() };
    const { text } = await running.http('onboard-customer', { body });
    const { api_key, customer } = SignedUp.parse(JSON.parse(text));
    const adjustment = { reason: 'alarms', actor: 'checks', idempotencyKey: 'many', amount: MANY_CREDITS };
    await adjustCredits(running.money.deps, customer.id, adjustment);
    return new Caller(running, api_key, customer.id);
  }

  record(): Promise<Answered> {
    this.#prNumber += 1;
    const fix = { github_org: 'acme', repo_name: 'webshop', pr_number: this.#prNumber };
    const body = {
      ...fix,
      pr_title: 'Fix',
      pr_url: `https://github.com/acme/webshop/pull/${this.#prNumber}`,
    };
    return this.#running.http('record-fix-attempt', { apiKey: this.apiKey, body });
  }

  find(): Promise<Answered> {
    const query = { github_org: 'acme', repo_name: 'webshop', pr_number: String(this.#prNumber) };
    return this.#running.http('find-fix-attempt', { apiKey: this.apiKey, query });
  }

  bill(id: string): Promise<Answered> {
    return this.#running.http('bill-fix-attempt', { apiKey: this.apiKey, params: { id } });
  }

  /** RSOLV-action's three calls. */
  async deployFix(): Promise<readonly Answered[]> {
    const recorded = await this.record();
    const found = await this.find();
    const billed = await this.bill(Recorded.parse(JSON.parse(recorded.text)).id);
    return [recorded, found, billed];
  }
}

let events = 0;

/** Delivers an event of no customer of ours. With the right secret, it is accepted and ignored. */
export function deliver(
  running: RunningStage,
  { secret = WEBHOOK_SECRET, event = {} }: { secret?: string; event?: object } = {},
): Promise<Answered> {
  events += 1;
  const rawBody = JSON.stringify({
    id: `evt_alarms${events}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: Math.floor(Date.now() / 1_000),
    livemode: false,
    type: 'charge.updated',
    data: { object: { id: 'ch_1', object: 'charge' } },
    ...event,
  });
  const signature = signatureHeader(rawBody, [secret], Math.floor(Date.now() / 1_000));
  return running.http('stripe-webhook', { rawBody, headers: { 'stripe-signature': signature } });
}

/** One minute of a healthy stage. */
export async function healthyMinute(running: RunningStage, caller: Caller, minute: number): Promise<void> {
  for (const { status } of await caller.deployFix())
    if (status >= 400) throw new Error(`a healthy request was answered ${status}`);
  if (minute % 10 === 0) await deliver(running);
}

/**
 * Runs a healthy hour, with a reconciliation and a copy of the backup. Its metrics stand for the hours before
 * each scenario.
 */
export async function healthyHour(
  running: RunningStage,
  traffic: (minute: number) => Promise<unknown>,
): Promise<void> {
  await running.schedule('reconcile');
  running.copyBackup();
  await running.run(HOUR, traffic);
}

/**
 * Goes at least two days ahead, to 10:00 after a history of healthy hours.
 * @param recordedMinute the first minute of the recorded healthy hour
 */
export function afterHealthyHours(running: RunningStage, recordedMinute: number): void {
  const day = 24 * HOUR;
  const start = (Math.floor(running.minute / day) + 3) * day + 10 * HOUR;
  running.data.copy(recordedMinute, HOUR, start - HISTORY_HOURS * HOUR, HISTORY_HOURS);
  vi.setSystemTime(start * MINUTE_MS);
}
