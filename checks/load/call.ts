import * as z from 'zod/mini';

/** The kinds of call that are counted and timed apart, in the order in which they are reported. */
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

/** One request, and what whoever sent it makes of the answer. Sent again as it is when it was not answered. */
export interface Call {
  readonly kind: Kind;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Where it comes from, if not from where everything does: sign-ups are limited for each address. */
  readonly from?: string;
  /** Takes note of the answer; says how it is to be counted, or throws `Unexpected`. */
  readonly take: (answer: Answer) => string;
  /** There was no answer: it may have happened, or not. */
  readonly lost?: () => void;
}

/** An answer that nothing explains. */
export class Unexpected extends Error {}

const Fields = z.record(z.string(), z.unknown());

/** @throws Unexpected when the body is no JSON object */
export function fieldsOf({ status, body }: Answer): Readonly<Record<string, unknown>> {
  try {
    return Fields.parse(JSON.parse(body));
  } catch {
    throw new Unexpected(`${status} with a body that is no JSON object: ${body.slice(0, 200)}`);
  }
}

/** How an answer is counted: its status, and the problem's code where it is one. */
export function labelOf(answer: Answer): string {
  const { code } = answer.status < 400 ? {} : fieldsOf(answer);
  return typeof code === 'string' ? `${answer.status} ${code}` : String(answer.status);
}

/** @throws Unexpected unless it is one of these: `201`, `402 card_declined` */
export function expectOneOf(answer: Answer, labels: readonly string[]): string {
  const label = labelOf(answer);
  if (!labels.includes(label)) throw new Unexpected(`${label}: ${answer.body.slice(0, 300)}`);
  return label;
}
