import * as z from 'zod/mini';

/** The kinds of call that are counted and timed separately, in the order of the report. */
export const KINDS = [
  'record',
  'record again',
  'look up',
  'bill',
  'bill again',
  'usage',
  'webhook',
  'sign up',
  'add card',
  'subscribe',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request, and the handling of its answer. An unanswered request is sent again unchanged. */
export interface Call {
  readonly kind: Kind;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The source address, if not the default: sign-ups are limited per address. */
  readonly from?: string;
  /** Records the answer. Returns the label to count it by, or throws `Unexpected`. */
  readonly take: (answer: Answer) => string;
  /** Called without an answer: the call may have taken effect. */
  readonly lost?: () => void;
}

/** An unexplained answer. */
export class Unexpected extends Error {}

const Fields = z.record(z.string(), z.unknown());

/** @throws Unexpected when the body is not a JSON object */
export function fieldsOf({ status, body }: Answer): Readonly<Record<string, unknown>> {
  try {
    return Fields.parse(JSON.parse(body));
  } catch {
    throw new Unexpected(`${status} with a body that is no JSON object: ${body.slice(0, 200)}`);
  }
}

/** The label to count an answer by: its status, and the problem code if there is one. */
export function labelOf(answer: Answer): string {
  const { code } = answer.status < 400 ? {} : fieldsOf(answer);
  return typeof code === 'string' ? `${answer.status} ${code}` : String(answer.status);
}

/** @throws Unexpected unless the answer has one of these labels, such as `201` or `402 card_declined` */
export function expectOneOf(answer: Answer, labels: readonly string[]): string {
  const label = labelOf(answer);
  if (!labels.includes(label)) throw new Unexpected(`${label}: ${answer.body.slice(0, 300)}`);
  return label;
}
