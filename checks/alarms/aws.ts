import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod/mini';

/* Parameter Store and SES for the running functions, with the faults of a scenario. */

export type Outage = 'none' | 'throttled' | 'hung';

export interface ParametersAndMail {
  readonly url: string;
  parameters: Outage;
  mail: Outage;
  /** The number of reads so far, answered or not. */
  reads: number;
  stop(): void;
}

const Name = z.object({ Name: z.string() });

export async function startParametersAndMail(
  values: Readonly<Record<string, string>>,
): Promise<ParametersAndMail> {
  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(await text(request));
    if (request.headers['x-amz-target'] === 'AmazonSSM.GetParameter') {
      state.reads += 1;
      const name = Name.parse(body).Name.replace(/^.*\//, '');
      answer(response, state.parameters, { Parameter: { Value: values[name] } });
    } else answer(response, state.mail, { MessageId: '1' });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const state: ParametersAndMail = {
    url: `http://127.0.0.1:${address.port}`,
    parameters: 'none',
    mail: 'none',
    reads: 0,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return state;
}

/** A hung service accepts the call and never answers. */
function answer(response: ServerResponse, outage: Outage, body: object): void {
  if (outage === 'none') response.end(JSON.stringify(body));
  if (outage === 'throttled') response.writeHead(400).end('{"__type":"ThrottlingException"}');
}
