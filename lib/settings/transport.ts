import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';

/*
 * HTTP as the service's own calls use it: one request and its whole answer.
 *
 * Node's modules come from `getBuiltinModule`. An import of them reads all their properties, and one of them
 * loads Node's `fetch`: 36 ms of processor time (docs/decisions/0020-thin-client.md).
 */
const MAX_SOCKETS = 50;

export interface Outgoing {
  readonly url: Target;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
  readonly method: string;
  readonly limits: Limits;
  readonly abortSignal?: AbortSignal | undefined;
}

export interface Target {
  readonly protocol: string;
  readonly hostname: string;
  /** The default port of the protocol if empty. */
  readonly port: string | number | undefined;
  readonly path: string;
}

export interface Limits {
  /** From the start to the end of the answer. */
  readonly requestMs: number;
  /** Until a new connection is open. */
  readonly connectMs: number;
}

export interface Incoming {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

/** Sends requests over its own connections. */
export interface Transport {
  readonly send: (outgoing: Outgoing) => Promise<Incoming>;
  /** Closes all connections. */
  readonly close: () => void;
}

/**
 * @param keepAlive whether connections stay open for the next request. The other side may close them
 *   meanwhile, so the caller must be able to send a request again.
 */
export function openTransport(keepAlive: boolean): Transport {
  const lines = new Map<string, Line>();
  const lineTo = (protocol: string): Line => {
    const line = lines.get(protocol) ?? openLine(protocol, keepAlive);
    lines.set(protocol, line);
    return line;
  };
  return {
    send: (outgoing) => sendOver(lineTo(outgoing.url.protocol), outgoing),
    close: () => {
      for (const { agent } of lines.values()) agent.destroy();
    },
  };
}

interface Line {
  readonly agent: NonNullable<Exclude<RequestOptions['agent'], boolean>>;
  readonly request: (options: RequestOptions) => ClientRequest;
}

function openLine(protocol: string, keepAlive: boolean): Line {
  const { Agent, request } =
    protocol === 'https:' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
  return { agent: new Agent({ keepAlive, maxSockets: MAX_SOCKETS }), request };
}

/**
 * The network's code of an error that `send` threw, such as ECONNRESET, or `TimeoutError`. Undefined for any
 * other error.
 */
export function networkCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'TimeoutError') return error.name;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** @throws an error named `TimeoutError` or `AbortError`, or the network's error */
function sendOver({ agent, request }: Line, outgoing: Outgoing): Promise<Incoming> {
  const { url, headers, body, method, limits, abortSignal } = outgoing;
  return new Promise((resolve, reject) => {
    if (abortSignal?.aborted) return void reject(aborted(abortSignal));
    const sent = request({
      agent,
      method,
      headers,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: url.path,
    });
    const stop = (error: Error) => {
      finish();
      reject(error);
      sent.destroy();
    };
    const timer = setTimeout(() => stop(timeout('answer', limits.requestMs)), limits.requestMs);
    let connectTimer: NodeJS.Timeout | undefined;
    const onAbort = () => stop(aborted(abortSignal));
    const finish = () => {
      clearTimeout(timer);
      clearTimeout(connectTimer);
      abortSignal?.removeEventListener('abort', onAbort);
    };
    abortSignal?.addEventListener('abort', onAbort);
    sent.once('socket', (socket) => {
      if (!socket.connecting) return;
      connectTimer = setTimeout(() => stop(timeout('connection', limits.connectMs)), limits.connectMs);
      socket.once('connect', () => clearTimeout(connectTimer));
    });
    sent.on('error', stop);
    sent.once('response', (response) => {
      readAll(response, stop, (read) => {
        finish();
        resolve(read);
      });
    });
    sent.end(body);
  });
}

function readAll(
  response: IncomingMessage,
  fail: (error: Error) => void,
  done: (read: Incoming) => void,
): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.once('error', fail);
  response.once('end', () => {
    const [only, ...more] = chunks;
    done({
      status: response.statusCode ?? 0,
      headers: singleHeaders(response),
      body: only !== undefined && more.length === 0 ? only : Buffer.concat(chunks),
    });
  });
}

function singleHeaders({ headers }: IncomingMessage): Record<string, string> {
  const single: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) single[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return single;
}

const timeout = (what: string, ms: number): Error =>
  Object.assign(new Error(`no ${what} within ${ms} ms`), { name: 'TimeoutError' });

const aborted = (signal: AbortSignal | undefined): Error =>
  Object.assign(new Error('Request aborted', { cause: signal?.reason }), { name: 'AbortError' });
