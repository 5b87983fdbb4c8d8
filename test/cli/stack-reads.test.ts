import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { expect, it, onTestFinished } from 'vitest';
import { readStack } from '../../cli/doctor/aws-reads.ts';
import { freePort } from '../../local/stack/ports.ts';

const NAME = 'rsolv-billing-staging';

/** A local server that answers as CloudFormation, for a stack with resources of these statuses. */
async function cloudFormation(statuses: Readonly<Record<string, string>>): Promise<CloudFormationClient> {
  const members = Object.entries(statuses).map(
    ([logical, status]) =>
      `<member><LogicalResourceId>${logical}</LogicalResourceId>` +
      `<PhysicalResourceId>${logical}-1</PhysicalResourceId><ResourceStatus>${status}</ResourceStatus></member>`,
  );
  const stack = `<member><StackName>${NAME}</StackName><StackStatus>UPDATE_ROLLBACK_COMPLETE</StackStatus></member>`;
  const results: Readonly<Record<string, string>> = {
    DescribeStacks: `<Stacks>${stack}</Stacks>`,
    ListStackResources: `<StackResourceSummaries>${members.join('')}</StackResourceSummaries>`,
  };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const operation = new URLSearchParams(body).get('Action') ?? '';
      const result = `<${operation}Result>${results[operation] ?? ''}</${operation}Result>`;
      response.writeHead(200, { 'content-type': 'text/xml' });
      response.end(`<${operation}Response>${result}</${operation}Response>`);
    });
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = new CloudFormationClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  onTestFinished(() => client.destroy());
  return client;
}

it('a table that CloudFormation kept, or a resource that it deleted, is not in the stack', async () => {
  const client = await cloudFormation({
    ServerlessDeploymentBucket: 'CREATE_COMPLETE',
    LedgerTable: 'DELETE_SKIPPED',
    AlarmTopic: 'DELETE_COMPLETE',
  });
  const stack = await readStack(client, NAME);
  expect([...(stack?.resources.keys() ?? [])]).toEqual(['ServerlessDeploymentBucket']);
});
