import * as z from 'zod/mini';
import { referencesIn } from '../../infrastructure/template.ts';
import { EXIT, Failure } from '../terminal/failure.ts';
import { type Kept, NAME_OF } from './kept.ts';

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z._default(z.record(z.string(), z.unknown()), {}),
});
const Template = z.looseObject({ Resources: z.record(z.string(), Resource) });

/** The two files of a CloudFormation import. */
export interface Import {
  readonly template: object;
  readonly resources: readonly object[];
}

/**
 * A template with the kept resources and nothing else, and their identifiers. Everything is as the packaged
 * template has it, so that the next deploy finds no difference.
 * @throws Failure if the packaged template is of another stage, or has no such resource
 */
export function importOf(packaged: unknown, kept: readonly Kept[]): Import {
  const { Resources } = Template.parse(packaged);
  const found = kept.map(({ type, name }) => {
    const named = Object.entries(Resources).find(
      ([, { Type, Properties }]) => Type === type && Properties[NAME_OF[type]] === name,
    );
    if (named === undefined) {
      const packageIt = 'Package this stage: npm run package -- --stage …';
      const detail = `The packaged template has no ${type} ${name}. ${packageIt}`;
      throw new Failure('template_differs', detail, EXIT.refused);
    }
    const [logicalId, { Type, Properties }] = named;
    const references = [...referencesIn(Properties)];
    if (references.length > 0) {
      const detail = `${logicalId} refers to ${references.join(', ')}, which is not imported.`;
      throw new Failure('not_importable', detail, EXIT.refused);
    }
    return { logicalId, Type, Properties, name, type };
  });
  return {
    template: {
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: Object.fromEntries(
        // An import requires a policy, and a resource must survive an import that fails.
        found.map(({ logicalId, Type, Properties }) => [
          logicalId,
          { Type, DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain', Properties },
        ]),
      ),
    },
    resources: found.map(({ logicalId, type, name }) => ({
      ResourceType: type,
      LogicalResourceId: logicalId,
      ResourceIdentifier: { [NAME_OF[type]]: name },
    })),
  };
}
