import type { Switches } from '../switches.ts';
import { invalid, Refusal } from './errors.ts';
import type { FormFields } from './form.ts';

const KEPT_SECONDS = 24 * 60 * 60;
const MAX_KEY_LENGTH = 255;

type ConflictType = Switches['idempotency_conflict_type'];

/** A complete answer, as sent. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Entry {
  readonly endpoint: string;
  readonly parameters: string;
  readonly createdSeconds: number;
  answer: Answer | null;
}

/** The claim of a request on its key. The request saves its answer, or releases the key unused. */
export interface Claim {
  readonly replay: Answer | null;
  save(answer: Answer): void;
  /** For a request that never started: the key stays free. */
  release(): void;
}

/** The answers by idempotency key, for one day of the stand-in's clock. */
export class IdempotencyKeys {
  readonly #entries = new Map<string, Entry>();
  readonly #conflictType: () => ConflictType;

  constructor(conflictType: () => ConflictType) {
    this.#conflictType = conflictType;
  }

  /** @throws Refusal if the key is in flight, or was used for another request. */
  claim(key: string, endpoint: string, form: FormFields, nowSeconds: number): Claim {
    if (key.length > MAX_KEY_LENGTH) {
      throw invalid(`An idempotency key has at most ${MAX_KEY_LENGTH} characters.`);
    }
    this.#prune(nowSeconds);
    const parameters = canonical(form);
    const present = this.#entries.get(key);
    if (present === undefined)
      return this.#open(key, { endpoint, parameters, createdSeconds: nowSeconds, answer: null });
    if (present.endpoint !== endpoint || present.parameters !== parameters)
      throw otherRequest(present, endpoint);
    if (present.answer === null) throw inFlight(this.#conflictType());
    return { replay: present.answer, save: () => {}, release: () => {} };
  }

  /** Restores an answer from before a restart. */
  restore(key: string, endpoint: string, form: FormFields, createdSeconds: number, answer: Answer): void {
    this.#entries.set(key, { endpoint, parameters: canonical(form), createdSeconds, answer });
  }

  #open(key: string, entry: Entry): Claim {
    this.#entries.set(key, entry);
    return {
      replay: null,
      save: (answer) => {
        entry.answer = answer;
      },
      release: () => {
        this.#entries.delete(key);
      },
    };
  }

  #prune(nowSeconds: number): void {
    for (const [key, { createdSeconds, answer }] of this.#entries) {
      if (answer !== null && nowSeconds - createdSeconds >= KEPT_SECONDS) this.#entries.delete(key);
    }
  }
}

function otherRequest(present: Entry, endpoint: string): Refusal {
  const message =
    present.endpoint === endpoint
      ? 'Keys for idempotent requests can only be used with the same parameters they were first used with.'
      : 'Keys for idempotent requests can only be used for the endpoint they were first used for ' +
        `(${present.endpoint}).`;
  return new Refusal(400, { type: 'idempotency_error', message });
}

export function inFlight(type: ConflictType): Refusal {
  return new Refusal(409, {
    type,
    code: 'idempotency_key_in_use',
    message: 'Another request with this idempotency key is still in progress.',
  });
}

/** The order of parameters does not matter. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
