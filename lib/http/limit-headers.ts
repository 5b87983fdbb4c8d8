import type { CallLimit } from './call-limits.ts';

/** What is left of a limit for the caller of a request. */
export interface Remaining {
  readonly calls: number;
  /** Until more calls are available. */
  readonly seconds: number;
}

/**
 * The limits of one request, as the header fields `RateLimit-Policy` and `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers, lists of structured fields).
 */
export class RequestLimits {
  readonly #limits = new Map<string, CallLimit>();
  readonly #remaining = new Map<string, Remaining>();

  /** Announces a limit. `remaining` is left out if it is not known without another call to the table. */
  announce(limit: CallLimit, remaining?: Remaining): void {
    this.#limits.set(limit.name, limit);
    if (remaining !== undefined) this.#remaining.set(limit.name, remaining);
  }

  /** Notes that a limit refused the request. */
  exhaust(name: string, seconds: number): void {
    this.#remaining.set(name, { calls: 0, seconds });
  }

  headers(): Record<string, string> {
    const limits = [...this.#limits.values()];
    const policies = limits.map(
      ({ name, limit, windowSeconds }) => `"${name}";q=${limit};w=${windowSeconds}`,
    );
    const left = [...this.#remaining]
      .filter(([name]) => this.#limits.has(name))
      .map(([name, { calls, seconds }]) => `"${name}";r=${calls};t=${seconds}`);
    return {
      ...(policies.length > 0 && { 'ratelimit-policy': policies.join(', ') }),
      ...(left.length > 0 && { ratelimit: left.join(', ') }),
    };
  }
}
