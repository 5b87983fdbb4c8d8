/*
 * Stripe's description is OpenAPI 3.0, whose schemas are almost JSON Schema. What differs is translated here:
 * `nullable`, the closed set of fields, and a choice between kinds of objects.
 */

type Json = Record<string, unknown>;

/** Keywords that describe and do not constrain. */
const DESCRIPTIVE = new Set(['description', 'title', 'example', 'deprecated', 'x-expandableFields']);

/**
 * One schema of the description as JSON Schema. An object that lists its fields has no others: Stripe's description
 * leaves that open, but a field outside the list is a difference that must be explained.
 */
export function jsonSchema(schema: unknown, schemas: Json): unknown {
  if (Array.isArray(schema)) return schema.map((one) => jsonSchema(one, schemas));
  if (!isJson(schema)) return schema;
  const { nullable, anyOf, properties, ...rest } = schema;
  const kept = Object.entries(rest).filter(([name]) => !DESCRIPTIVE.has(name) && !name.startsWith('x-'));
  const translated: Json = Object.fromEntries(
    kept.map(([name, value]) => [name, jsonSchema(value, schemas)]),
  );
  if (isJson(properties)) {
    translated['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [name, jsonSchema(value, schemas)]),
    );
    if (Object.keys(properties).length > 0) translated['additionalProperties'] ??= false;
  }
  if (Array.isArray(anyOf)) Object.assign(translated, choice(anyOf, schemas));
  return nullable === true ? orNull(translated) : translated;
}

/** Errors of a value that is not null speak of the schema, and never of the null that it is not. */
const orNull = (schema: Json): Json => ({ if: { type: 'null' }, else: schema });

/**
 * A chain of conditions instead of `anyOf`, where each alternative can be recognised: an id by being text, an object by
 * its `object`. It accepts the same values, and says what is wrong with the alternative that was meant.
 */
function choice(alternatives: readonly unknown[], schemas: Json): Json {
  const marks = alternatives.map((one) => markOf(one, schemas));
  const isClear = new Set(marks.map((mark) => JSON.stringify(mark))).size === marks.length;
  const translated = alternatives.map((one) => jsonSchema(one, schemas));
  if (marks.length === 1) return { allOf: translated };
  if (!isClear || marks.includes(null)) return { anyOf: translated };
  return translated.reduceRight<Json>((otherwise, then, i) => ({ if: marks[i], then, else: otherwise }), {
    // No alternative is meant: nothing is accepted.
    type: 'string',
    enum: ['(an id or one of the objects that the description allows)'],
  });
}

/** What an alternative is recognised by; null for one that cannot be. */
function markOf(alternative: unknown, schemas: Json): Json | null {
  if (!isJson(alternative)) return null;
  if (alternative['type'] === 'string' && alternative['enum'] === undefined) return { type: 'string' };
  const name = String(alternative['$ref'] ?? '').replace('#/components/schemas/', '');
  const target = schemas[name];
  if (!isJson(target) || !isJson(target['properties'])) return null;
  const { object, deleted } = target['properties'];
  if (!isJson(object) || !Array.isArray(object['enum'])) return null;
  return {
    type: 'object',
    required: ['object', ...(deleted === undefined ? [] : ['deleted'])],
    properties: { object: { enum: object['enum'] }, ...(deleted === undefined && { deleted: false }) },
  };
}

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
