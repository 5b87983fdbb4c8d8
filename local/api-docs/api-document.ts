/** The parts of the OpenAPI document that the documentation page uses. */
export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: { readonly apiKey: { readonly description: string } };
  };
  readonly 'x-problems': { readonly description: string; readonly codes: readonly ProblemEntry[] };
}

export interface ProblemEntry {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly advice: string;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security: readonly unknown[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Content }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean | undefined;
  readonly schema: Schema;
}

export type Content = Readonly<
  Record<string, { readonly schema: Schema; readonly example?: unknown } | undefined>
>;

export interface Schema {
  readonly $ref?: string | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly format?: string | undefined;
  readonly description?: string | undefined;
  readonly examples?: readonly unknown[] | undefined;
  readonly default?: unknown;
  readonly enum?: readonly (string | null)[] | undefined;
  readonly const?: unknown;
  readonly pattern?: string | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minimum?: number | undefined;
  readonly exclusiveMinimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly properties?: Readonly<Record<string, Schema | undefined>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly items?: Schema | undefined;
  readonly anyOf?: readonly Schema[] | undefined;
  readonly allOf?: readonly Schema[] | undefined;
}

export interface Call extends Operation {
  readonly path: string;
  readonly method: string;
}

export function callsOf({ paths }: ApiDocument): Call[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({ ...operation, path, method })),
  );
}

/** The problem codes that a call can return, by status. */
export function problemCodesOf({ responses }: Operation): { status: string; codes: readonly string[] }[] {
  return Object.entries(responses).flatMap(([status, { content }]) => {
    const parts = content['application/problem+json']?.schema.allOf ?? [];
    const codes = parts
      .flatMap(({ properties }) => properties?.['code']?.enum ?? [])
      .filter((code) => code !== null);
    return codes.length === 0 ? [] : [{ status, codes }];
  });
}

export interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly schema: Schema;
}

/** The schema that a reference points to. Other schemas are returned unchanged. */
export function resolved(api: ApiDocument, schema: Schema): Schema {
  const name = schema.$ref?.replace('#/components/schemas/', '');
  return (name === undefined ? undefined : api.components.schemas[name]) ?? schema;
}

/** Every field of an object and of its nested objects, named by path. */
export function fieldsOf(api: ApiDocument, schema: Schema, path = ''): Field[] {
  const { items, properties = {}, required = [] } = resolved(api, schema);
  if (items !== undefined) return fieldsOf(api, items, `${path}[]`);
  return Object.entries(properties).flatMap(([key, property]) => {
    if (property === undefined) return [];
    const name = path === '' ? key : `${path}.${key}`;
    const field = { name, required: required.includes(key), schema: resolved(api, property) };
    return [field, ...fieldsOf(api, property, name)];
  });
}
