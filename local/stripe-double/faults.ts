import * as z from 'zod/mini';

/** Kinds with `_after` apply when the call has taken effect. All others apply before its effect. */
export const faultSchema = z.strictObject({
  method: z.optional(z.enum(['GET', 'POST', 'DELETE'])),
  /** `*` matches one part of a path, `**` any number. */
  path: z.string().check(z.regex(/^(\/|\*)/)),
  kind: z.enum([
    'delay',
    'delay_after',
    '409',
    '429',
    '500_before',
    '500_after',
    'drop_before',
    'drop_after',
  ]),
  times: z._default(z.int().check(z.positive()), 1),
  /** How many matching calls pass first. */
  skip: z._default(z.int().check(z.nonnegative()), 0),
  ms: z._default(z.int().check(z.nonnegative()), 0),
  /**
   * What a retry with the same idempotency key gets after `500_after`: the error again, as Stripe documents,
   * or the answer that was lost.
   */
  saved: z._default(z.enum(['error', 'answer']), 'error'),
});

export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema>;

/** Faults on request, in the order they were added. */
export class Faults {
  #waiting: Fault[] = [];

  add(input: FaultInput): void {
    this.#waiting.push(faultSchema.parse(input));
  }

  clear(): void {
    this.#waiting = [];
  }

  get waiting(): readonly Fault[] {
    return this.#waiting;
  }

  /** The first fault for this call. Each call takes at most one. */
  take(method: string, path: string): Fault | undefined {
    for (const fault of this.#waiting) {
      if (fault.method !== undefined && fault.method !== method) continue;
      if (!patternOf(fault.path).test(path)) continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      fault.times -= 1;
      if (fault.times === 0) this.#waiting = this.#waiting.filter((one) => one !== fault);
      return fault;
    }
    return undefined;
  }
}

function patternOf(path: string): RegExp {
  const parts = path.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.*';
    return part === '*' ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}
