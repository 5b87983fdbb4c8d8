import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { type Answer, type Call, KINDS, type Kind, Unexpected } from './call.ts';
import type { Outages } from './outages.ts';

/** Faults listed in full. All are counted. */
const MAX_NAMED = 20;
const MICROSECONDS = 1_000;

/** In milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p90: number;
  readonly p97_5: number;
  readonly p99: number;
  readonly max: number;
}

export interface KindResult {
  readonly kind: Kind;
  readonly answered: number;
  readonly ms: Latency;
  readonly answers: Readonly<Record<string, number>>;
  /** Tries without an answer, each of which is sent again. */
  readonly unanswered: number;
}

class Counts extends Map<string, number> {
  add(name: string): void {
    this.set(name, (this.get(name) ?? 0) + 1);
  }
}

class OfKind {
  readonly histogram: RecordableHistogram = createHistogram();
  readonly answers = new Counts();
  unanswered = 0;
}

/** Counts and percentiles of answers, in memory that does not grow with the load. */
export class Tally {
  readonly #kinds = new Map<Kind, OfKind>(KINDS.map((kind) => [kind, new OfKind()]));
  readonly #outages: Outages;
  readonly #unexplained: string[] = [];
  /** Explained calls without an answer, by cause. */
  readonly explained = new Counts();
  /** A person's actions at Stripe, by kind. */
  readonly deeds = new Counts();
  unexplainedCount = 0;
  answered = 0;
  webhooks = 0;

  constructor(outages: Outages) {
    this.#outages = outages;
  }

  /** Records an unexplained fault, which fails the run. */
  blame(what: string): void {
    this.unexplainedCount += 1;
    if (this.#unexplained.length < MAX_NAMED) this.#unexplained.push(what);
  }

  get unexplained(): readonly string[] {
    return this.#unexplained;
  }

  /** Counts an answer. Returns true if the call is complete, and false if it must be sent again. */
  answer(call: Call, answer: Answer, ms: number): boolean {
    const of = this.#of(call.kind);
    of.histogram.record(Math.max(1, Math.round(ms * MICROSECONDS)));
    this.answered += 1;
    if (call.kind === 'webhook') this.webhooks += 1;
    if (answer.status === 503 && this.#outages.covers(performance.now())) {
      // During an outage the engine can end shortly before the functions that use it.
      of.answers.add(String(answer.status));
      this.explained.add('503 while the service was killed');
      call.lost?.();
      return false;
    }
    try {
      of.answers.add(call.take(answer));
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error;
      of.answers.add(`${answer.status} unexpected`);
      this.blame(`${call.kind} (${call.method} ${call.path}) was answered ${error.message}`);
    }
    return true;
  }

  /** Counts a call that was not answered. @param reason ECONNRESET, closed, … */
  unanswered(call: Call, reason: string): void {
    this.#of(call.kind).unanswered += 1;
    call.lost?.();
    if (this.#outages.covers(performance.now())) this.explained.add(`${reason} while the service was killed`);
    else this.blame(`${call.kind} (${call.method} ${call.path}) got no answer: ${reason}`);
  }

  /** Counts a call that this side aborted, to send it again later. */
  cutOff(call: Call): void {
    this.#of(call.kind).unanswered += 1;
    call.lost?.();
    const covered = this.#outages.covers(performance.now());
    this.explained.add(covered ? 'cut off while the service was killed' : 'cut off by the end of the load');
  }

  results(): KindResult[] {
    return KINDS.map((kind) => {
      const { histogram, answers, unanswered } = this.#of(kind);
      const answered = histogram.count;
      const at = (percentile: number) =>
        answered === 0 ? 0 : histogram.percentile(percentile) / MICROSECONDS;
      return {
        kind,
        answered,
        ms: { p50: at(50), p90: at(90), p97_5: at(97.5), p99: at(99), max: at(100) },
        answers: Object.fromEntries([...answers].toSorted(([a], [b]) => (a < b ? -1 : 1))),
        unanswered,
      };
    });
  }

  #of(kind: Kind): OfKind {
    const of = this.#kinds.get(kind);
    if (of === undefined) throw new Error(`no counter for ${kind}`);
    return of;
  }
}
