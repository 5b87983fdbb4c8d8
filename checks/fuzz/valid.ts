import fc from 'fast-check';
import type { Schema } from '../../local/api-docs/api-document.ts';
import { MARKER } from './hostile.ts';

/** Values that a schema of the API document accepts. */
export function validFor(schema: Schema): fc.Arbitrary<unknown> {
  if (Array.isArray(schema.type)) {
    const types: readonly string[] = schema.type;
    const [type] = types.filter((one) => one !== 'null');
    return fc.oneof(
      { weight: 5, arbitrary: validFor({ ...schema, type }) },
      { arbitrary: fc.constant(null), weight: 1 },
    );
  }
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(validFor));
  if (schema.type === 'null') return fc.constant(null);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return textFor(schema);
    case 'integer':
      return fc.integer({
        min: schema.minimum ?? (schema.exclusiveMinimum ?? 0) + 1,
        max: schema.maximum ?? Number.MAX_SAFE_INTEGER,
      });
    case 'array':
      return schema.items === undefined ? fc.constant([]) : fc.uniqueArray(validFor(schema.items));
    case 'object':
      return schema.properties === undefined ? someObject : objectFor(schema);
    default:
      throw new Error(`no generator for ${JSON.stringify(schema)}: add its kind to this function`);
  }
}

/** Any object except one that would set a prototype: the service rejects `__proto__` everywhere. */
const someObject = fc
  .dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 5 })
  .filter((object) => !JSON.stringify(object).includes('"__proto__"'));

function objectFor({ properties = {}, required = [] }: Schema): fc.Arbitrary<Record<string, unknown>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, schema] of Object.entries(properties)) if (schema) fields[name] = validFor(schema);
  return fc.record(fields, { requiredKeys: [...required] });
}

function textFor({ format, pattern = '^.*$', minLength = 0, maxLength = 250 }: Schema): fc.Arbitrary<string> {
  const expression = new RegExp(pattern);
  const fits = (text: string) =>
    expression.test(text) &&
    text.length <= maxLength &&
    // Text of blanks alone is empty after it is trimmed.
    (minLength === 0 || text.trim() !== '');
  switch (format) {
    case 'uri':
      return fc.webUrl({ validSchemes: ['http', 'https'] }).filter(fits);
    case 'email':
      return fc.nat().map((number) => `${MARKER}.${number}@billing.example`);
    default: {
      const remarkable = [MARKER, 'x'.repeat(maxLength), `${MARKER} 🦊 é`].filter(fits);
      const ordinary = fc.stringMatching(expression).filter(fits);
      return remarkable.length === 0 ? ordinary : fc.oneof(ordinary, fc.constantFrom(...remarkable));
    }
  }
}
