import { vi } from 'vitest';
import * as z from 'zod/mini';
import { keys } from '../../lib/store/keys.ts';
import type { FaultyEngine } from '../../test/support/faulty-engine.ts';
import { type Call, gatewayEvent, invocation } from '../../test/support/gateway.ts';
import type { Money } from '../../test/support/money.ts';
import { unsentOf } from '../../test/support/notices.ts';
import type { ParametersAndMail } from './aws.ts';
import type { DeployedStage, Schedule } from './deployed.ts';
import { addEmbedded } from './emf.ts';
import { MetricData, MINUTE_MS } from './metrics.ts';

/*
 * A stage that runs in this process on a simulated clock: the real handlers on the table model and the Stripe
 * stand-in. It collects the metrics that the functions print, and derives those that AWS measures.
 */

type Handler = (event: unknown, context: unknown) => Promise<unknown>;
const Answer = z.object({ statusCode: z.int(), body: z._default(z.string(), '') });
const Module = z.object({ handler: z.custom<Handler>((one) => typeof one === 'function') });
const Failures = z.object({ batchItemFailures: z.array(z.unknown()) });

const API = { ApiId: 'HttpApi', Stage: '$default' };
/** The gateway's answer when Lambda throttles the function. */
const THROTTLED = 503;
/** A canary gets one of so many calls. */
const CANARY_SHARE = 10;
/** From the start of a backup to the end of its copy. A plan leaves up to four hours for the backup. */
const COPIED_AFTER_MS = 90 * MINUTE_MS;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

export interface Answered {
  readonly status: number;
  readonly text: string;
}

/** A new version of a function. @param run what the version before does */
export type Version = (event: object, run: (event: object) => Promise<unknown>) => Promise<unknown>;

export class RunningStage {
  readonly data = new MetricData();
  readonly deployed: DeployedStage;
  readonly money: Money;
  readonly aws: ParametersAndMail;
  readonly engine: FaultyEngine;
  /** Functions whose reserved concurrency is 0. */
  readonly stopped = new Set<string>();
  /** Functions whose schedule is disabled. */
  readonly unscheduled = new Set<string>();
  isStreamRead = true;
  /** Added to the measured duration of each call. */
  slownessMs = 0;
  readonly #handlers = new Map<string, Handler>();
  /** New versions by their function, each with its share of the calls. */
  readonly #releases = new Map<
    string,
    { readonly version: Version; readonly share: number; calls: number }
  >();
  /** Failed tries, by the notice. */
  readonly #tries = new Map<string, number>();
  #deadNotices = 0;
  #deadRuns = 0;
  #refusedWrites = 0;

  constructor(deployed: DeployedStage, money: Money, aws: ParametersAndMail, engine: FaultyEngine) {
    this.deployed = deployed;
    this.money = money;
    this.aws = aws;
    this.engine = engine;
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
      vi.spyOn(console, method).mockImplementation((...args: unknown[]) => {
        for (const line of args.map(String)) addEmbedded(this.data, line);
      });
  }

  get minute(): number {
    return Math.floor(Date.now() / MINUTE_MS);
  }

  /** Runs the stage minute by minute: schedules, then `traffic`, then the stream and AWS's own metrics. */
  async run(minutes: number, traffic: (minute: number) => Promise<unknown> = async () => {}): Promise<void> {
    for (let passed = 0; passed < minutes; passed++) {
      const now = new Date();
      for (const schedule of this.deployed.schedules)
        if (schedule.isDue(now) && !this.unscheduled.has(schedule.functionName)) await this.#runOf(schedule);
      await traffic(passed);
      if (this.isStreamRead) await this.#readStream();
      if (this.deployed.isBackupDue?.(new Date(now.getTime() - COPIED_AFTER_MS)) === true) this.copyBackup();
      this.#measure();
      vi.setSystemTime(now.getTime() + MINUTE_MS);
    }
  }

  /** Calls a function through the gateway. */
  async http(name: string, call: Call): Promise<Answered> {
    const startedMs = performance.now();
    const result = await this.invoke(name, gatewayEvent(call)).catch(() => ({ statusCode: 500 }));
    const { statusCode: status, body: text } = Answer.parse(result ?? { statusCode: THROTTLED });
    const count = (metric: string, value: number) =>
      this.data.add({ namespace: 'AWS/ApiGateway', name: metric, dimensions: API }, Date.now(), value);
    count('Count', 1);
    count('4xx', Number(status >= 400 && status < 500));
    count('5xx', Number(status >= 500));
    count('Latency', performance.now() - startedMs + this.slownessMs);
    return { status, text };
  }

  /**
   * Invokes a function.
   * @returns undefined if it is throttled
   * @throws what the function throws
   */
  async invoke(name: string, event: unknown): Promise<unknown> {
    const FunctionName = this.deployed.ids.get(name) ?? name;
    const count = (metric: string, value: number) =>
      this.data.add(
        { namespace: 'AWS/Lambda', name: metric, dimensions: { FunctionName } },
        Date.now(),
        value,
      );
    count('Throttles', Number(this.stopped.has(name)));
    if (this.stopped.has(name)) return undefined;
    const handler = await this.#handlerOf(name);
    const run = (received: unknown) => handler(received, invocation());
    const release = this.#releases.get(name);
    const isNewest = release !== undefined && ++release.calls % release.share === 0;
    const leave = this.#enter(name, isNewest);
    const startedMs = performance.now();
    let errors = 1;
    try {
      const result = await (isNewest && isObject(event) ? release.version(event, run) : run(event));
      errors = 0;
      return result;
    } finally {
      leave();
      count('Errors', errors);
      count('Duration', performance.now() - startedMs + this.slownessMs);
    }
  }

  /** Sends a tenth of a function's calls to a new version. @returns a function that ends the canary */
  canary(name: string, version: Version): () => void {
    return this.#release(name, version, CANARY_SHARE);
  }

  /** Sends all calls of these functions to a new version. @returns a function that undoes the release */
  release(names: readonly string[], version: Version): () => void {
    const undo = names.map((name) => this.#release(name, version, 1));
    return () => {
      for (const one of undo) one();
    };
  }

  #release(name: string, version: Version, share: number): () => void {
    this.#releases.set(name, { version, share, calls: 0 });
    return () => this.#releases.delete(name);
  }

  /** All functions of a stage share one process. */
  async #handlerOf(name: string): Promise<Handler> {
    const known = this.#handlers.get(name);
    if (known !== undefined) return known;
    const module: unknown = await import(`../../functions/${name}.ts`);
    const { handler } = Module.parse(module);
    this.#handlers.set(name, handler);
    return handler;
  }

  /**
   * Lambda tells a function its name and version. The stage already has a version before the newest.
   * @returns a function that restores what the calling function was told
   */
  #enter(name: string, isNewest: boolean): () => void {
    const { AWS_LAMBDA_FUNCTION_NAME = '', AWS_LAMBDA_FUNCTION_VERSION = '' } = process.env;
    const newest = this.deployed.versions.get(name);
    process.env['AWS_LAMBDA_FUNCTION_NAME'] = this.deployed.ids.get(name) ?? name;
    process.env['AWS_LAMBDA_FUNCTION_VERSION'] =
      newest === undefined ? '$LATEST' : isNewest ? newest : 'the version before';
    return () => Object.assign(process.env, { AWS_LAMBDA_FUNCTION_NAME, AWS_LAMBDA_FUNCTION_VERSION });
  }

  /** Runs a function as its schedule does. @throws Error if it has none */
  async schedule(name: string): Promise<void> {
    const found = this.deployed.schedules.find(({ functionName }) => functionName === name);
    if (found === undefined) throw new Error(`${name} has no schedule`);
    await this.#runOf(found);
  }

  /** EventBridge's asynchronous call: retries, then the dead-letter queue. Throttled calls wait. */
  async #runOf({ functionName, tries, isKept }: Schedule): Promise<void> {
    for (let tried = 0; tried < tries; tried++) {
      try {
        await this.invoke(functionName, scheduled(functionName));
        return;
      } catch {
        // The last failure counts below.
      }
    }
    if (isKept) this.#deadRuns += 1;
  }

  /** AWS Backup has finished a copy in the other region. It reports no zeros. */
  copyBackup(): void {
    const dimensions = { BackupVaultName: 'BackupVault' };
    this.data.add({ namespace: 'AWS/Backup', name: 'NumberOfCopyJobsCompleted', dimensions }, Date.now(), 1);
  }

  async #readStream(): Promise<void> {
    const { streamReader, streamTries } = this.deployed;
    const now = new Date();
    let oldestMs = 0;
    for (const { customerId, content, id, createdAt } of await unsentOf(this.money.deps.table, now)) {
      const key = keys.notice(customerId, content.kind, id);
      const tries = this.#tries.get(key.sk) ?? 0;
      if (tries === streamTries) continue;
      oldestMs = Math.max(oldestMs, now.getTime() - Date.parse(createdAt));
      const Keys = { pk: { S: key.pk }, sk: { S: key.sk } };
      const record = { eventID: id, eventName: 'INSERT', dynamodb: { Keys, SequenceNumber: id } };
      const result = await this.invoke(streamReader, { Records: [record] }).catch(() => null);
      // A throttled or failed call of the reader is repeated without end.
      if (result === undefined || result === null) continue;
      if (Failures.parse(result).batchItemFailures.length === 0) continue;
      this.#tries.set(key.sk, tries + 1);
      if (tries + 1 === streamTries) this.#deadNotices += 1;
    }
    const FunctionName = this.deployed.ids.get(streamReader) ?? '';
    this.data.add(
      { namespace: 'AWS/Lambda', name: 'IteratorAge', dimensions: { FunctionName } },
      Date.now(),
      oldestMs,
    );
  }

  #measure(): void {
    const add = (namespace: string, name: string, dimensions: Record<string, string>, value: number) =>
      this.data.add({ namespace, name, dimensions }, Date.now(), value);
    const letters = 'ApproximateNumberOfMessagesVisible';
    add('AWS/SQS', letters, { QueueName: 'NoticeDeadLetters' }, this.#deadNotices);
    add('AWS/SQS', letters, { QueueName: 'ScheduleDeadLetters' }, this.#deadRuns);
    const refused = this.#isTableThrottled ? this.engine.count('TransactWriteItems') : this.#refusedWrites;
    if (refused > this.#refusedWrites)
      add('AWS/DynamoDB', 'WriteThrottleEvents', { TableName: 'LedgerTable' }, refused - this.#refusedWrites);
    this.#refusedWrites = this.engine.count('TransactWriteItems');
  }

  #isTableThrottled = false;

  /** DynamoDB throttles every transaction, or none. */
  throttleTable(isThrottled: boolean): void {
    this.#isTableThrottled = isThrottled;
    const error = { name: 'ThrottlingException' };
    const fault = { operation: 'TransactWriteItems', when: 'refuse', times: 1_000_000, error } as const;
    this.engine.fail(...(isThrottled ? [fault] : []));
  }
}

/** The event that EventBridge sends. */
const scheduled = (name: string) => ({
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: new Date().toISOString(),
  region: 'us-east-1',
  resources: [`arn:aws:events:us-east-1:123456789012:rule/${name}`],
  detail: {},
});
