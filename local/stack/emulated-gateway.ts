/**
 * Loaded into the emulator (serverless-offline) before it starts, to make a few things as API Gateway and Lambda do.
 */
import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * The emulator allows every origin on responses, whatever serverless.yml says. It adds those headers only for requests
 * that have an Origin, so an origin that is not on the list is hidden from it. Preflights it does judge by the list, so
 * they keep theirs. The functions are not affected: they are given the headers as they came.
 */
function allowOrigins(allowed: ReadonlySet<string>): void {
  subscribe('http.server.request.start', (message) => {
    if (typeof message !== 'object' || message === null || !('request' in message)) return;
    const { request } = message;
    if (!(request instanceof IncomingMessage) || request.method === 'OPTIONS') return;
    if (!allowed.has(request.headers.origin ?? '')) delete request.headers.origin;
  });
}

/**
 * The emulator answers 200, with a stack trace, when a function throws, cannot be loaded or runs out of time. The gateway
 * answers 500 and says no more.
 */
async function answerFailuresWith500(): Promise<void> {
  const file = new URL('./lambda/LambdaFunction.js', import.meta.resolve('serverless-offline'));
  const { default: LambdaFunction }: { default: unknown } = await import(file.href);
  const prototype: unknown = typeof LambdaFunction === 'function' ? LambdaFunction.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null || !('runHandler' in prototype)) {
    throw new Error(
      'serverless-offline has no LambdaFunction.runHandler any more: adapt local/stack/emulated-gateway.ts.',
    );
  }
  const { runHandler } = prototype;
  if (typeof runHandler !== 'function') throw new Error('LambdaFunction.runHandler is not a function.');
  prototype.runHandler = async function (this: { readonly functionName: string }): Promise<unknown> {
    try {
      return await runHandler.call(this);
    } catch (error) {
      console.error(`${this.functionName} failed: ${error}`);
      const headers = { 'content-type': 'application/json' };
      return { statusCode: 500, headers, body: '{"message":"Internal Server Error"}' };
    }
  };
}

/**
 * Serverless compiles a schema for serverless.yml, which takes half of a first start. `npm run package` and the checks of the
 * template validate that file.
 */
function skipConfigValidation(): void {
  const require = createRequire(import.meta.url);
  const serverless = dirname(require.resolve('serverless/package.json'));
  const handler: unknown = require(join(serverless, 'lib/classes/config-schema-handler/index.js'));
  const prototype: unknown = typeof handler === 'function' ? handler.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null || !('validateConfig' in prototype)) {
    throw new Error(
      'Serverless has no ConfigSchemaHandler.validateConfig any more: adapt local/stack/emulated-gateway.ts.',
    );
  }
  prototype.validateConfig = async () => {};
}

/** When it fails to start, Serverless sets an exit code and leaves; but its watchers would keep the process for ever. */
function exitWhenFailed(): void {
  setInterval(() => {
    if (process.exitCode) process.exit();
  }, 100).unref();
}

// A worker that the emulator might start loads this file too.
if (isMainThread) {
  allowOrigins(new Set((process.env['ALLOWED_ORIGINS'] ?? '').split(',')));
  exitWhenFailed();
  skipConfigValidation();
  await answerFailuresWith500();
}
