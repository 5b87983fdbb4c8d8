import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod/mini';
import { freePort } from '../../local/stack/ports.ts';

const Call = z.object({ Name: z.string(), Value: z.optional(z.string()), Type: z.optional(z.string()) });

export interface ParameterStore {
  readonly url: string;
  /** By name. */
  readonly values: Map<string, string>;
  /** `PutParameter SecureString /name`, … */
  readonly calls: string[];
  /** The error code that SSM answers with; null if it works. */
  refuses: string | null;
  stop(): void;
}

/** A server that reads and writes parameters as SSM does. */
export async function startParameterStore(): Promise<ParameterStore> {
  const values = new Map<string, string>();
  const calls: string[] = [];
  const refuse = (code: string) => ({ status: 400, body: { __type: code } });
  const answerTo = (action: string, { Name, Value }: z.output<typeof Call>) => {
    if (store.refuses !== null) return refuse(store.refuses);
    if (action === 'PutParameter' && Value !== undefined) values.set(Name, Value);
    if (action === 'PutParameter') return { status: 200, body: { Version: 1 } };
    const stored = values.get(Name);
    if (stored === undefined) return refuse('ParameterNotFound');
    return { status: 200, body: { Parameter: { Value: stored } } };
  };
  const server = createServer(async (request, response) => {
    const call = Call.parse(JSON.parse(await text(request)));
    const action = String(request.headers['x-amz-target']).replace('AmazonSSM.', '');
    calls.push([action, call.Type, call.Name].filter((one) => one !== undefined).join(' '));
    const { status, body } = answerTo(action, call);
    response.writeHead(status).end(JSON.stringify(body));
  });
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const store: ParameterStore = {
    url: `http://127.0.0.1:${port}`,
    values,
    calls,
    refuses: null,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return store;
}
