/*
 * Translates Stripe's OpenAPI 3.0 schemas into JSON Schema, where they differ: `nullable`, the closed set of
 * fields, and a choice between kinds of objects.
 */

type Json = Record<string, unknown>;

/** Keywords that describe but do not constrain. */
const DESCRIPTIVE = new Set(['description', 'title', 'example', 'deprecated', 'x-expandableFields']);

/**
 * Translates one schema of the description. An object with a list of fields allows no others: Stripe's
 * description leaves this open, but a field outside the list is a difference that needs an explanation.
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

/** For a value that is not null, errors then refer to the schema and never to null. */
const orNull = (schema: Json): Json => ({ if: { type: 'null' }, else: schema });

/**
 * Replaces `anyOf` with a chain of conditions if each alternative is recognizable: an id by its type, an
 * object by `object`. The chain accepts the same values, and its errors refer to the intended alternative.
 */
function choice(alternatives: readonly unknown[], schemas: Json): Json {
  const marks = alternatives.map((one) => markOf(one, schemas));
  const isClear = new Set(marks.map((mark) => JSON.stringify(mark))).size === marks.length;
  const translated = alternatives.map((one) => jsonSchema(one, schemas));
  if (marks.length === 1) return { allOf: translated };
  if (!isClear || marks.includes(null)) return { anyOf: translated };
  return translated.reduceRight<Json>((otherwise, then, i) => ({ if: marks[i], then, else: otherwise }), {
    // No alternative matches, so the schema accepts nothing.
    type: 'string',
    enum: ['(an id or one of the objects that the description allows)'],
  });
}

/** The schema that recognizes an alternative. Null if none can. */
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
