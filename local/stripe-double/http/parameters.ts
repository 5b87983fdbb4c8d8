import * as z from 'zod/mini';
import { invalid, type Refusal } from './errors.ts';
import type { FormFields, FormValue } from './form.ts';

/** The parameters of a route by name. Other parameters are rejected. */
export type Shape = z.core.$ZodLooseShape;
export type InputOf<S extends Shape> = z.output<z.ZodMiniObject<S, z.core.$strict>>;

const MAX_TEXT = 5_000;

/** The message of a check starts with Stripe's error code. */
export const text = (max = MAX_TEXT) =>
  z
    .string()
    .check(
      z.minLength(1, 'parameter_invalid_empty: must not be empty; leave it out instead'),
      z.maxLength(max, `parameter_invalid_string_long: must be at most ${max} characters`),
    );

/** An e-mail address. Like Stripe, checks only for text before and after an `@`. */
export const email = z
  .string()
  .check(
    z.maxLength(512, 'parameter_invalid_string_long: must be at most 512 characters'),
    z.regex(/^[^\s@]+@[^\s@]+$/, 'email_invalid: is not a valid email address'),
  );

const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

export const currency = z
  .string()
  .check(
    z.refine<string>((code) => CURRENCIES.has(code.toUpperCase()), 'is not a currency that Stripe supports'),
  );

export const integer = z.pipe(
  z.string().check(z.regex(/^-?\d{1,15}$/, 'parameter_invalid_integer: must be an integer')),
  z.transform(Number),
);

export const flag = z.pipe(
  z.string().check(z.regex(/^(true|false)$/, 'parameter_invalid_boolean: must be true or false')),
  z.transform((value) => value === 'true'),
);

/** An empty string removes the value. */
export const clearable = <S extends z.ZodMiniType>(schema: S) =>
  z.union([
    z.pipe(
      z.literal(''),
      z.transform(() => null),
    ),
    schema,
  ]);

/** `{}` if cleared as a whole; `clear` distinguishes this from a hash without keys. */
export interface MetadataChange {
  readonly clear: boolean;
  readonly entries: Readonly<Record<string, string>>;
}

const metadataKey = z.string().check(z.maxLength(40, 'parameter_invalid: a key has at most 40 characters'));
const metadataValue = z
  .string()
  .check(z.maxLength(500, 'parameter_invalid: a value has at most 500 characters'));
export const metadata = z.optional(
  z.union([
    z.pipe(
      z.literal(''),
      z.transform((): MetadataChange => ({ clear: true, entries: {} })),
    ),
    z.pipe(
      z.record(metadataKey, metadataValue),
      z.transform((entries): MetadataChange => ({ clear: false, entries })),
    ),
  ]),
);

/** A moment, or bounds around it. */
export interface Range {
  readonly gt?: number | undefined;
  readonly gte?: number | undefined;
  readonly lt?: number | undefined;
  readonly lte?: number | undefined;
}
export const range = z.optional(
  z.union([
    z.pipe(
      integer,
      z.transform((at): Range => ({ gte: at, lte: at })),
    ),
    z.pipe(
      z.strictObject({
        gt: z.optional(integer),
        gte: z.optional(integer),
        lt: z.optional(integer),
        lte: z.optional(integer),
      }),
      z.transform((bounds): Range => bounds),
    ),
  ]),
);

export const inRange = (at: number, { gt, gte, lt, lte }: Range = {}): boolean =>
  (gt === undefined || at > gt) &&
  (gte === undefined || at >= gte) &&
  (lt === undefined || at < lt) &&
  (lte === undefined || at <= lte);

/** @throws Refusal for the first wrong parameter, as Stripe does. */
export function parseParameters<S extends Shape>(shape: S, form: FormFields): InputOf<S> {
  const parsed = z.strictObject(shape).safeParse(form);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw issue === undefined ? invalid('Invalid request') : refusalOf(issue, [], form);
}

function refusalOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[], form: FormFields): Refusal {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const param = paramName([...path, issue.keys[0] ?? '']);
    return invalid(`Received unknown parameter: ${param}`, { code: 'parameter_unknown', param });
  }
  const param = paramName(path);
  const value = valueAt(form, path);
  if (value === undefined) {
    return invalid(`Missing required param: ${param}.`, { code: 'parameter_missing', param });
  }
  if (issue.code === 'invalid_union') return refusalOf(closest(issue, value), path, form);
  const [, code, message] = /^([a-z]+(?:_[a-z]+)+): (.*)$/.exec(issue.message) ?? [];
  if (code !== undefined) return invalid(`${param} ${message}`, { code, param });
  return invalid(`Invalid ${param}: ${issue.message}`, { param });
}

/** The intended alternative: a hash is checked as a hash. */
function closest(issue: z.core.$ZodIssueInvalidUnion, value: FormValue): z.core.$ZodIssue {
  const firsts = issue.errors.flatMap(([first]) => (first === undefined ? [] : [first]));
  const wrongKind = (one: z.core.$ZodIssue) =>
    one.path.length === 0 && (one.code === 'invalid_type' || one.code === 'invalid_value');
  const meant = firsts.find((one) => !wrongKind(one)) ?? firsts.at(-1);
  if (meant === undefined || (meant.code === 'invalid_union' && meant.errors.length === 0)) {
    throw invalid(`Invalid value: ${typeof value === 'string' ? value : 'not a string'}`);
  }
  return meant;
}

const paramName = (path: readonly PropertyKey[]): string =>
  path.map((part, i) => (i === 0 ? String(part) : `[${String(part)}]`)).join('');

function valueAt(form: FormFields, path: readonly PropertyKey[]): FormValue | undefined {
  let value: FormValue | undefined = form;
  for (const part of path) {
    if (value === undefined || typeof value === 'string') return undefined;
    value = Array.isArray(value) ? value[Number(part)] : value[String(part)];
  }
  return value;
}
