import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isJson } from './json-schema.ts';

/*
 * Writes answers and events as TypeScript, each declared with its type from the pinned SDK. The compiler then
 * finds unknown fields, missing fields and values of a wrong type. It cannot judge enum words: the SDK
 * accepts any, because Stripe adds some at any time.
 */

const FOLDER = '.cache/stripe-openapi';

/** Exceptions to the naming rule: by the rule, `payment_intent` is `Stripe.PaymentIntent`. */
const TYPES: Readonly<Record<string, string>> = {
  event: 'Stripe.Event',
  invoiceitem: 'Stripe.InvoiceItem',
  line_item: 'Stripe.InvoiceLineItem',
  'invoiceitem (deleted)': 'Stripe.DeletedInvoiceItem',
};

/** The SDK converts some fields when it reads an answer: decimal numbers are strings on the wire. */
const PRELUDE = `import type Stripe from 'stripe';

type Wire<T> = T extends Stripe.Decimal
  ? string
  : T extends readonly (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;
`;

export interface Compiled {
  readonly objects: number;
  /** The compiler's errors, the most important first. */
  readonly errors: readonly string[];
}

/** Compiles every distinct object among the values and inside list values. */
export function compileAsSdkTypes(values: readonly unknown[]): Compiled {
  const distinct = new Map<string, Record<string, unknown>>();
  for (const value of values.flatMap(objectsIn)) distinct.set(`${kindOf(value)} ${shapeOf(value)}`, value);
  const lines = [...distinct.values()].map(
    (value, i) => `export const v${i}: Wire<${typeOf(value)}> = ${JSON.stringify(value, onlyWhatWas)};`,
  );
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(resolve(FOLDER, 'answers.ts'), `${PRELUDE}\n${lines.join('\n')}\n`);
  writeFileSync(
    resolve(FOLDER, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['answers.ts'] }),
  );
  const { stdout, status } = spawnSync('tsc', ['--noEmit', '--pretty', 'false', '-p', FOLDER], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const errors = stdout.split('\n').filter((line) => line !== '');
  if (status !== 0 && errors.length === 0) errors.push('the compiler did not run');
  return { objects: distinct.size, errors };
}

/**
 * No type describes `previous_attributes` exactly: a new field was null, and a nested object has only its
 * changed fields. Everything else is judged.
 */
const onlyWhatWas = (field: string, value: unknown): unknown =>
  field === 'previous_attributes' && isJson(value)
    ? Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && !isJson(one)))
    : value;

function objectsIn(value: unknown): Record<string, unknown>[] {
  if (!isJson(value)) return [];
  if (value['object'] === 'list' && Array.isArray(value['data'])) return value['data'].flatMap(objectsIn);
  return typeof value['object'] === 'string' ? [value] : [];
}

const kindOf = (value: Record<string, unknown>): string =>
  `${String(value['object'])}${value['deleted'] === true ? ' (deleted)' : ''}`;

function typeOf(value: Record<string, unknown>): string {
  const known = TYPES[kindOf(value)];
  if (known !== undefined) return known;
  const names = String(value['object'])
    .split('.')
    .map((part) => part.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  const last = names.pop() ?? '';
  return ['Stripe', ...names, value['deleted'] === true ? `Deleted${last}` : last].join('.');
}

/** The fields and their value types. Stripe's own words stay, because a type may lack them. */
function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(shapeOf))].toSorted().join()}]`;
  if (isJson(value)) {
    return `{${Object.entries(value)
      .map(([name, one]) => `${name}:${shapeOf(one)}`)
      .toSorted()
      .join()}}`;
  }
  if (typeof value === 'string' && /^[a-z_.]{1,40}$/.test(value)) return value;
  return value === null ? 'null' : typeof value;
}
