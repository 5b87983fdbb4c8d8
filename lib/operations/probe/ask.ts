import * as z from 'zod/mini';
import { reasonOf } from '../../settings/setup-error.ts';

export interface ProbeCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly apiKey?: string;
  readonly body?: object;
  /** False: a call that was lost is not sent again, because the first one may have succeeded. */
  readonly isRepeatable: boolean;
  readonly expects: {
    readonly status: number;
    readonly fields?: Readonly<Record<string, unknown>>;
    /** Fields that must be texts. */
    readonly texts?: readonly string[];
  };
}

export type Answer =
  | { readonly kind: 'right'; readonly fields: Readonly<Record<string, unknown>> }
  /** `status`: null if there was no answer. `finding` has no API key, and of the answer only its code. */
  | { readonly kind: 'wrong' | 'unavailable'; readonly status: number | null; readonly finding: string };

/** Asks the API as a customer does. Never throws. */
export type Ask = (asked: ProbeCall) => Promise<Answer>;

const TIMEOUT_MS = 6_000;
/**
 * A dependency does not answer, or there are too many requests: no release is at fault. A function that times
 * out also answers 503, but then its own error alarm sounds.
 */
const UNAVAILABLE: ReadonlySet<number> = new Set([429, 503]);

const Fields = z.record(z.string(), z.unknown());
const Code = z.object({ code: z.string().check(z.regex(/^[a-z_]{1,60}$/)) });

/** @param url the API's address without a path */
export function askAt(url: string, timeoutMs = TIMEOUT_MS): Ask {
  return async (asked) => {
    const { method, path, apiKey, body, isRepeatable, expects } = asked;
    const send = async () => {
      const response = await fetch(url + path, {
        method,
        headers: {
          'user-agent': 'rsolv-billing-probe',
          ...(apiKey !== undefined && { 'x-api-key': apiKey }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      return { status: response.status, fields: fieldsOf(text) };
    };
    const what = `${method} ${path}: expected ${expects.status}`;
    try {
      // A connection that breaks once says nothing about the release. A wrong answer is not asked again:
      // during a canary, the next one would come from the old version.
      const { status, fields } = await (isRepeatable ? send().catch(send) : send());
      const differing = differences(fields, expects);
      if (status === expects.status && differing.length === 0) return { kind: 'right', fields };
      const code = Code.safeParse(fields);
      const got = status === expects.status ? `${status} with another ${differing.join(', ')}` : status;
      const finding = `${what}, got ${got}${code.success ? ` ${code.data.code}` : ''}`;
      return { kind: UNAVAILABLE.has(status) ? 'unavailable' : 'wrong', status, finding };
    } catch (error) {
      // A slow table and a slow release look the same here. A slow release sounds its own error alarm.
      const kind = isTimeout(error) ? 'unavailable' : 'wrong';
      return { kind, status: null, finding: `${what}, got no answer: ${reasonOf(error)}` };
    }
  };
}

const isTimeout = (error: unknown): boolean => error instanceof DOMException && error.name === 'TimeoutError';

function differences(
  fields: z.output<typeof Fields>,
  { fields: expected = {}, texts = [] }: ProbeCall['expects'],
) {
  return [
    ...Object.keys(expected).filter((name) => fields[name] !== expected[name]),
    ...texts.filter((name) => typeof fields[name] !== 'string'),
  ];
}

/** Empty if the text is not a JSON object, as in an answer of the gateway itself. */
function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return Fields.parse(JSON.parse(text));
  } catch {
    return {};
  }
}
