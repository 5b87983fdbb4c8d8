import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetAliasCommand, InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import type { Definition } from '../../cli/doctor/definition.ts';
import type { Template } from '../../infrastructure/template.ts';
import type { Access } from './account.ts';
import type { Emulator } from './emulator.ts';
import { FunctionLogs } from './function-logs.ts';
import { balanceOf } from './journey.ts';
import type { Operator } from './operator.ts';
import type { Packaged } from './package.ts';
import { Fault } from './parts.ts';
import type { Planted, Search } from './planted.ts';
import { withoutAction } from './policies.ts';
import { nextRelease } from './release.ts';
import { type Deployer, physical } from './stack.ts';

/* What is expected of the stage. Each returns what it found, or throws a Fault. */

const LOCALHOST = '127.0.0.1';
/** The function that the update changes. It has a canary. */
const CHANGED = 'BillDashfixDashattemptLambdaFunction';
const ALIAS = 'live';
const DELIVERED_WITHIN_MS = 30_000;
const POLL_MS = 1_000;

const Reconciliation = z.object({
  report: z.object({ customers: z.object({ checked: z.number() }), drift: z.object({ count: z.number() }) }),
});
const Notices = z.object({ notices: z.array(z.unknown()) });
const Probed = z.object({ outcome: z.string(), findings: z.array(z.string()) });
const Named = z.object({ FunctionName: z.string() });

export async function reconcile(operator: Operator): Promise<string> {
  const report = await operator.run(['reconcile', '--now']);
  const { drift, customers } = Reconciliation.parse(report).report;
  if (drift.count !== 0 || customers.checked === 0) throw new Fault(`reconcile: ${JSON.stringify(report)}`);
  return `${customers.checked} customer, no drift`;
}

/** The probe signs its customer up in its first run, and bills in the second. */
export async function probe(deployer: Deployer, stackName: string): Promise<string> {
  const lambda = new LambdaClient(deployer.access);
  try {
    for (const run of ['first', 'second']) {
      const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: `${stackName}-probe` }));
      const { outcome, findings } = Probed.parse(JSON.parse(Buffer.from(Payload ?? []).toString()));
      if (outcome !== 'passed') throw new Fault(`the ${run} run ${outcome}: ${findings.join('; ')}`);
    }
    return 'two runs passed';
  } finally {
    lambda.destroy();
  }
}

/** Deploys the next release. A customer's ledger is the same, and new versions take the calls. */
export async function update(
  deployer: Deployer,
  stackName: string,
  release: Packaged,
  template: Template,
  { operator, account }: Search,
): Promise<string> {
  const before = await balanceOf(operator, account);
  await deployer.update(stackName, nextRelease(template, CHANGED), release.folder);
  const after = await balanceOf(operator, account);
  if (after !== before) throw new Fault(`the balance was ${before} and is ${after}`);
  const lambda = new LambdaClient(deployer.access);
  const FunctionName = physical(await deployer.resources(stackName), CHANGED);
  const alias = await lambda.send(new GetAliasCommand({ FunctionName, Name: ALIAS }));
  lambda.destroy();
  if (alias.FunctionVersion !== '2') throw new Fault(`${ALIAS} is version ${alias.FunctionVersion}`);
  const steps = await operator.smoke();
  return `${FunctionName}:${ALIAS} is version 2, smoke passes ${steps} steps, the balance is the same`;
}

/** Every function ran, no call was denied, and every letter was sent. */
export async function nothingDenied(root: Access, operator: Operator, template: Template): Promise<string> {
  await untilDelivered(operator);
  const logs = new FunctionLogs(root);
  const names = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => Named.parse(Properties).FunctionName);
  for (const name of names) {
    const lines = await logs.lines(name);
    if (lines.length === 0) throw new Fault(`${name} never ran`);
    const [denied] = lines.filter((line) => DENIAL.test(line));
    if (denied !== undefined) throw new Fault(`${name} was denied a call: ${denied}`);
  }
  return `all ${names.length} functions ran, and no call was denied`;
}

/** How AWS names a call that a policy does not allow, in all its services. */
const DENIAL = /AccessDenied|not authorized to perform/;

async function untilDelivered(operator: Operator): Promise<void> {
  for (let waited = 0; waited < DELIVERED_WITHIN_MS; waited += POLL_MS) {
    const { notices } = Notices.parse(await operator.run(['notices', 'list']));
    if (notices.length === 0) return;
    await sleep(POLL_MS);
  }
  throw new Fault(`a letter was not sent within ${DELIVERED_WITHIN_MS / 1_000} seconds`);
}

export function onlyLocal(emulator: Emulator): string {
  const listeners = emulator.listeners();
  const others = listeners.filter((address) => !address.startsWith(`${LOCALHOST}:`));
  if (others.length > 0) throw new Fault(`something listens on ${others.join(', ')}`);
  if (listeners.length === 0) throw new Fault('nothing listens: the addresses were not found');
  return `${listeners.length} listening sockets, all on ${LOCALHOST}`;
}

/** Takes a permission away, sees the step fail for that reason, and gives the permission back. */
export async function mustFail(
  deployer: Deployer,
  stackName: string,
  release: Packaged,
  template: Template,
  { from, action, denied, run }: Planted,
  search: Search,
): Promise<string> {
  await deployer.update(stackName, withoutAction(template, from, action), release.folder);
  const fault = await run(search).then(
    () => null,
    (error: unknown) => {
      if (error instanceof Fault) return error.message;
      throw error;
    },
  );
  await deployer.update(stackName, template, release.folder);
  if (fault === null) throw new Fault(`nothing failed although ${from} lacked the permission`);
  if (denied === null) {
    if (!fault.includes('access_denied')) throw new Fault(`failed for another reason: ${fault}`);
    return 'the command line names the denied access';
  }
  const name = `${stackName}-${denied}`;
  const lines = await new FunctionLogs(deployer.access).lines(name);
  if (!lines.some((line) => DENIAL.test(line) && line.includes(action)))
    throw new Fault(`failed, but ${name} logged no denied ${action}: ${fault}`);
  return `the step fails, and ${name} logs the denied call`;
}

/** Everything goes but what the template says to keep. */
export async function remove(
  deployer: Deployer,
  definition: Definition,
  template: Template,
): Promise<string> {
  await deployer.remove(definition.stackName);
  const dynamodb = new DynamoDBClient(deployer.access);
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName: definition.tableName }));
  dynamodb.destroy();
  if (Table === undefined || Table.ItemCount === 0) throw new Fault('the ledger is empty');
  const lambda = new LambdaClient(deployer.access);
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand());
  lambda.destroy();
  if (Functions.length > 0) throw new Fault(`functions are left: ${Functions.length}`);
  const logs = new FunctionLogs(deployer.access);
  const groups = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::Logs::LogGroup');
  let kept = 0;
  for (const { Properties, DeletionPolicy } of groups) {
    const { LogGroupName } = LogGroup.parse(Properties);
    const isKept = DeletionPolicy !== undefined;
    if ((await logs.exists(LogGroupName)) !== isKept)
      throw new Fault(`${LogGroupName} ${isKept ? 'is gone' : 'is left'}`);
    kept += Number(isKept);
  }
  return `no function is left; kept are the table with ${Table.ItemCount} items and ${kept} of ${groups.length} logs`;
}

const LogGroup = z.object({ LogGroupName: z.string() });
