import { invalid } from './errors.ts';

/** A form body or query in Stripe's format: `a[b]=c` is an object, `a[0]=c` and `a[]=c` are lists. */
export type FormValue = string | FormValue[] | FormFields;
export interface FormFields {
  [name: string]: FormValue;
}

const MAX_DEPTH = 8;
const MAX_FIELDS = 1_000;

/** @throws Refusal for an ambiguous or malformed form. */
export function decodeForm(text: string): FormFields {
  const root = emptyFields();
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1;
    if (count > MAX_FIELDS) throw invalid(`More than ${MAX_FIELDS} parameters.`);
    put(root, pathOf(name), value, name);
  }
  return Object.fromEntries(Object.entries(root).map(([name, value]) => [name, withLists(value)]));
}

/** No prototype: a parameter may be called `__proto__`. */
const emptyFields = (): FormFields => Object.create(null);

function pathOf(name: string): string[] {
  const parts = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  if (parts === null) throw invalid(`Invalid parameter name: ${name}`, { param: name });
  const inner = [...(parts[2] ?? '').matchAll(/\[([^[\]]*)\]/g)].map((match) => match[1] ?? '');
  if (inner.length >= MAX_DEPTH) throw invalid(`Parameter nested too deeply: ${name}`, { param: name });
  return [parts[1] ?? '', ...inner];
}

function put(fields: FormFields, path: readonly string[], value: string, name: string): void {
  const [head = '', ...rest] = path;
  const key = head === '' ? String(Object.keys(fields).length) : head;
  const present = fields[key];
  if (rest.length === 0) {
    if (typeof present === 'object')
      throw invalid(`${name} is both a value and a list or hash.`, { param: name });
    fields[key] = value;
    return;
  }
  if (typeof present === 'string' || Array.isArray(present)) {
    throw invalid(`${name} is both a value and a list or hash.`, { param: name });
  }
  const inner = present ?? emptyFields();
  fields[key] = inner;
  put(inner, rest, value, name);
}

/** Only at this point is it known whether every key is an index. */
function withLists(value: FormValue): FormValue {
  if (typeof value === 'string' || Array.isArray(value)) return value;
  const entries = Object.entries(value);
  if (entries.length > 0 && entries.every(([key]) => /^\d+$/.test(key))) {
    return entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, inner]) => withLists(inner));
  }
  return Object.fromEntries(entries.map(([key, inner]) => [key, withLists(inner)]));
}
