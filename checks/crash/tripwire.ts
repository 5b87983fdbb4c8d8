import { createServer, request } from 'node:http';
import * as z from 'zod/mini';

/** Kills a process at its n-th outgoing call: before the call is sent, or when its answer arrives. */
export const CrashPoint = z.object({ call: z.int(), when: z.enum(['before', 'after']) });
export type CrashPoint = z.output<typeof CrashPoint>;

/**
 * Proxies that record the calls of a process and kill the process at one of them. They run inside the
 * process, so the process has no chance to clean up, catch or retry.
 */
export class Tripwire {
  readonly calls: string[] = [];
  readonly #point: CrashPoint | null;

  constructor(point: CrashPoint | null) {
    this.#point = point;
  }

  /** The address to use in place of `target`. */
  async before(target: string): Promise<string> {
    const server = createServer(async (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
      const { method = 'POST', url = '/', headers } = incoming;
      const amazon = headers['x-amz-target'];
      this.calls.push(amazon === undefined ? `${method} ${url}` : String(amazon).replace(/^.*\./, ''));
      const number = this.calls.length;
      this.#dieAt(number, 'before');
      const forwarded = request(new URL(url, target), { method, headers }, async (answer) => {
        const parts: Buffer[] = [];
        for await (const part of answer) parts.push(Buffer.from(part));
        this.#dieAt(number, 'after');
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(parts));
      });
      forwarded.on('error', () => outgoing.destroy());
      forwarded.end(Buffer.concat(chunks));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}`;
  }

  #dieAt(call: number, when: CrashPoint['when']): void {
    if (this.#point?.call === call && this.#point.when === when) process.kill(process.pid, 'SIGKILL');
  }
}
