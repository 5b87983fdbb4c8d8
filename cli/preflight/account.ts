import { BackupClient } from '@aws-sdk/client-backup';
import { CloudWatchLogsClient, paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { GetRoleCommand, IAMClient, paginateSimulatePrincipalPolicy } from '@aws-sdk/client-iam';
import { GetFunctionConcurrencyCommand, ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { Definition } from '../doctor/definition.ts';
import { CLIENT, type Site } from '../doctor/site.ts';
import type { Place, Rights } from './rights.ts';

/** A stage before a deploy: its site, and the account around it. */
export interface Account extends Site {
  /** Every stage of serverless.yml, because stages can share an account. */
  readonly stages: readonly Definition[];
  /** AWS Backup in the region of the copies. Null if the stage has no backup plan. */
  readonly copies: BackupClient | null;
  caller(): Promise<Caller>;
  /** The names of log groups that begin like this. */
  logGroups(prefix: string): Promise<string[]>;
  /** The concurrency that a function reserves; 0 if there is none, or no such function. */
  reserved(functionName: string): Promise<number>;
  /** The actions that the caller may not do. @throws if the caller may not ask */
  denied(principal: string, place: Place, rights: Rights): Promise<string[]>;
}

export interface Caller {
  readonly partition: string;
  readonly account: string;
  readonly region: string;
  /** The identity in IAM. Null for the account itself, which may do everything. */
  readonly principal: string | null;
}

/** Creates the clients, and reads nothing yet. */
export function openAccount(site: Site, stages: readonly Definition[]): Account {
  const sts = new STSClient(CLIENT);
  // IAM has one endpoint for all regions.
  const iam = new IAMClient(CLIENT);
  const logs = new CloudWatchLogsClient(CLIENT);
  const { copyRegion } = site.definition.service;
  return {
    ...site,
    stages,
    copies: copyRegion === '' ? null : new BackupClient({ ...CLIENT, region: copyRegion }),
    caller: async () => {
      const { Arn: arn = '' } = await sts.send(new GetCallerIdentityCommand({}));
      const [, partition = 'aws', , , account = ''] = arn.split(':');
      return {
        partition,
        account,
        region: await sts.config.region(),
        principal: await principalOf(iam, arn),
      };
    },
    logGroups: async (prefix) => {
      const names: string[] = [];
      for await (const { logGroups = [] } of paginateDescribeLogGroups(
        { client: logs },
        { logGroupNamePrefix: prefix },
      )) {
        names.push(...logGroups.flatMap(({ logGroupName }) => logGroupName ?? []));
      }
      return names;
    },
    reserved: async (FunctionName) => {
      try {
        const { ReservedConcurrentExecutions } = await site.lambda.send(
          new GetFunctionConcurrencyCommand({ FunctionName }),
        );
        return ReservedConcurrentExecutions ?? 0;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return 0;
        throw error;
      }
    },
    denied: async (principal, place, { resource, actions }) => {
      const denied: string[] = [];
      for await (const { EvaluationResults = [] } of paginateSimulatePrincipalPolicy(
        { client: iam },
        { PolicySourceArn: principal, ActionNames: [...actions], ResourceArns: [resource(place)] },
      )) {
        // A decision that depends on the circumstances of the call is not known here.
        const refused = EvaluationResults.filter(
          ({ EvalDecision, MissingContextValues = [] }) =>
            EvalDecision !== 'allowed' && MissingContextValues.length === 0,
        );
        denied.push(...refused.flatMap(({ EvalActionName }) => EvalActionName ?? []));
      }
      return denied;
    },
  };
}

/**
 * The identity whose policies count. A session's ARN has the role's name without its path, so the role is
 * read; without the right to do so, it is taken to have none.
 */
async function principalOf(iam: IAMClient, arn: string): Promise<string | null> {
  if (arn.endsWith(':root')) return null;
  const [, partition, account, name] = /^arn:([\w-]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(arn) ?? [];
  if (name === undefined) return arn;
  try {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: name }));
    if (Role?.Arn !== undefined) return Role.Arn;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return `arn:${partition}:iam::${account}:role/${name}`;
}
