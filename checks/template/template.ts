import * as z from 'zod/mini';

const Resource = z.object({
  Type: z.string(),
  Properties: z._default(z.record(z.string(), z.unknown()), {}),
  DeletionPolicy: z.optional(z.string()),
  UpdateReplacePolicy: z.optional(z.string()),
  UpdatePolicy: z.optional(z.unknown()),
});

const TemplateFile = z.object({
  Resources: z.record(z.string(), Resource),
  Outputs: z.record(z.string(), z.unknown()),
});

const oneOrMore = <Schema extends z.ZodMiniType>(schema: Schema) =>
  z.pipe(
    z.union([schema, z.array(schema)]),
    z.transform((value) => [value].flat()),
  );

const Statement = z.object({
  Effect: z.literal('Allow'),
  Action: oneOrMore(z.string()),
  Resource: oneOrMore(z.unknown()),
  Condition: z.optional(z.unknown()),
});
const Policy = z.object({ Statement: z.array(Statement) });
const Role = z.object({ Policies: z.array(z.object({ PolicyDocument: Policy })) });
const ManagedPolicy = z.object({ PolicyDocument: Policy });

export type Statement = z.output<typeof Statement>;
export interface Named {
  readonly id: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A packaged template, with queries. */
export class Template {
  readonly #file: z.output<typeof TemplateFile>;

  constructor(json: unknown) {
    this.#file = TemplateFile.parse(json);
  }

  get outputs() {
    return this.#file.Outputs;
  }

  has(id: string): boolean {
    return id in this.#file.Resources;
  }

  resource(id: string) {
    const found = this.#file.Resources[id];
    if (found === undefined) throw new Error(`The template has no ${id}.`);
    return found;
  }

  get all(): (Named & { readonly type: string })[] {
    return Object.entries(this.#file.Resources).map(([id, { Type, Properties }]) => ({
      id,
      type: Type,
      properties: Properties,
    }));
  }

  ofType(type: string): Named[] {
    return this.all.filter((one) => one.type === type);
  }

  /** All permission statements, by the role or policy that grants them. */
  get statements(): ReadonlyMap<string, readonly Statement[]> {
    return new Map([
      ...this.ofType('AWS::IAM::Role').map(({ id, properties }) => {
        const { Policies } = Role.parse(properties);
        return [id, Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)] as const;
      }),
      ...this.ofType('AWS::IAM::ManagedPolicy').map(
        ({ id, properties }) => [id, ManagedPolicy.parse(properties).PolicyDocument.Statement] as const,
      ),
    ]);
  }
}
