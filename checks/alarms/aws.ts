import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod/mini';

/* Parameter Store and SES for the running functions, with the faults of a scenario. */

const PARAMETER_CALL = /^AmazonSSM\.(?:Get|Put)Parameter$/;

export type Outage = 'none' | 'throttled' | 'hung';

export interface ParametersAndMail {
  readonly url: string;
  parameters: Outage;
  mail: Outage;
  stop(): void;
}

const Parameter = z.object({ Name: z.string(), Value: z.optional(z.string()) });

/** @param initial values by the last part of the parameter's name */
export async function startParametersAndMail(
  initial: Readonly<Record<string, string>>,
): Promise<ParametersAndMail> {
  const values = new Map(Object.entries(initial));
  const server = createServer(async (request, response) => {
    const body: unknown = JSON.parse(await text(request));
    if (!PARAMETER_CALL.test(String(request.headers['x-amz-target'])))
      return answer(response, state.mail, { MessageId: '1' });
    const { Name, Value } = Parameter.parse(body);
    const name = Name.replace(/^.*\//, '');
    // A throttled or hung write stores nothing.
    if (Value !== undefined && state.parameters === 'none') values.set(name, Value);
    if (state.parameters === 'none' && !values.has(name)) return refuse(response, 'ParameterNotFound');
    answer(response, state.parameters, { Parameter: { Value: values.get(name) } });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const state: ParametersAndMail = {
    url: `http://127.0.0.1:${address.port}`,
    parameters: 'none',
    mail: 'none',
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
  if (outage === 'throttled') refuse(response, 'ThrottlingException');
}

const refuse = (response: ServerResponse, code: string): void =>
  void response.writeHead(400).end(JSON.stringify({ __type: code }));
