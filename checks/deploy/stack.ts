import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  type Stack,
  UpdateStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import * as z from 'zod/mini';
import type { Template } from '../../infrastructure/template.ts';
import { type Access, putObject } from './account.ts';

const ENDS_WITHIN_MS = 60_000;
const POLL_MS = 200;
const CAPABILITIES = ['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM'] as const;
const BUCKET_OUTPUT = 'ServerlessDeploymentBucketName';

const TemplateFile = z.object({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string() })),
  Outputs: z.optional(z.record(z.string(), z.unknown())),
});
const Code = z.object({ S3Key: z.string() });

export function parseTemplate(text: string): Template {
  const { Resources, Outputs } = TemplateFile.parse(JSON.parse(text));
  return { Resources, ...(Outputs !== undefined && { Outputs }) };
}

/** Reads a packaged template. */
export const readTemplate = (file: string): Template => parseTemplate(readFileSync(file, 'utf8'));

/** Deploys stacks in the steps of the framework, through CloudFormation. */
export class Deployer {
  readonly access: Access;
  readonly #client: CloudFormationClient;

  constructor(access: Access) {
    this.access = access;
    this.#client = new CloudFormationClient(access);
  }

  /** Creates a stack. @throws Error with the first failure unless it is complete */
  async create(StackName: string, template: Template, EnableTerminationProtection = false): Promise<Stack> {
    await this.#client.send(
      new CreateStackCommand({
        StackName,
        EnableTerminationProtection,
        TemplateBody: JSON.stringify(template),
        Capabilities: [...CAPABILITIES],
      }),
    );
    return this.#ended(StackName, 'CREATE_COMPLETE');
  }

  /**
   * Updates a stack of the framework: stores the packages and the template in the stack's bucket first.
   * @param folder has the packages
   * @throws Error with the first failure unless it is complete
   */
  async update(StackName: string, template: Template, folder: string): Promise<Stack> {
    const bucket = outputOf(await this.#stack(StackName), BUCKET_OUTPUT);
    for (const { Type, Properties } of Object.values(template.Resources)) {
      if (Type !== 'AWS::Lambda::Function') continue;
      const { S3Key } = Code.parse(Properties?.['Code']);
      await putObject(this.access, bucket, S3Key, readFileSync(join(folder, basename(S3Key))));
    }
    const TemplateURL = await putObject(this.access, bucket, 'template.json', JSON.stringify(template));
    await this.#client.send(
      new UpdateStackCommand({ StackName, TemplateURL, Capabilities: [...CAPABILITIES] }),
    );
    return this.#ended(StackName, 'UPDATE_COMPLETE');
  }

  async remove(StackName: string): Promise<void> {
    const { StackId } = await this.#stack(StackName);
    await this.#client.send(
      new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection: false }),
    );
    await this.#client.send(new DeleteStackCommand({ StackName }));
    // A removed stack is known by its id only.
    await this.#ended(StackId ?? StackName, 'DELETE_COMPLETE');
  }

  /** Physical ids by logical ones. */
  async resources(StackName: string): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    let NextToken: string | undefined;
    do {
      const page = await this.#client.send(new ListStackResourcesCommand({ StackName, NextToken }));
      for (const {
        LogicalResourceId: logical,
        PhysicalResourceId: physical,
      } of page.StackResourceSummaries ?? [])
        if (logical !== undefined && physical !== undefined) found.set(logical, physical);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    return found;
  }

  close(): void {
    this.#client.destroy();
  }

  async #stack(StackName: string): Promise<Stack> {
    const { Stacks } = await this.#client.send(new DescribeStacksCommand({ StackName }));
    const [stack] = Stacks ?? [];
    if (stack === undefined) throw new Error(`CloudFormation answered without the stack ${StackName}.`);
    return stack;
  }

  async #ended(name: string, expected: string): Promise<Stack> {
    for (let waited = 0; waited < ENDS_WITHIN_MS; waited += POLL_MS) {
      const stack = await this.#stack(name);
      if (stack.StackStatus === expected) return stack;
      if (stack.StackStatus?.endsWith('IN_PROGRESS') !== true)
        throw new Error(`the stack ended as ${stack.StackStatus}: ${await this.#firstFailure(name)}`);
      await sleep(POLL_MS);
    }
    throw new Error(`the stack did not end as ${expected} in ${ENDS_WITHIN_MS / 1_000} seconds`);
  }

  async #firstFailure(StackName: string): Promise<string> {
    const { StackEvents = [] } = await this.#client.send(new DescribeStackEventsCommand({ StackName }));
    const failed = StackEvents.filter(({ ResourceStatus }) => ResourceStatus?.endsWith('FAILED')).at(-1);
    return failed === undefined
      ? 'no event names a failure'
      : `${failed.LogicalResourceId}: ${failed.ResourceStatusReason}`;
  }
}

/** @throws Error if the stack has no such output */
export function outputOf({ StackName, Outputs = [] }: Stack, key: string): string {
  const value = Outputs.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
  if (value === undefined) throw new Error(`${StackName} has no output ${key}.`);
  return value;
}

/** The physical id of a resource. @throws Error if the stack has no such resource */
export function physical(resources: ReadonlyMap<string, string>, logical: string): string {
  const id = resources.get(logical);
  if (id === undefined) throw new Error(`The stack has no ${logical}.`);
  return id;
}
