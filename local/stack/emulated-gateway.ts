/**
 * Loaded into the emulator (serverless-offline) before it starts. Changes a few behaviours to those of API
 * Gateway and Lambda.
 */
import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/**
 * The emulator allows every origin on responses and ignores serverless.yml. It adds the CORS headers only for
 * requests with an Origin header, so this removes that header for origins that are not on the list. For
 * preflights the emulator uses the list, so they keep the header. Functions still get the original headers.
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
 * When a function throws, cannot be loaded or times out, the emulator answers 200 with a stack trace. API
 * Gateway answers 500 without details.
 */
async function answerFailuresWith500(): Promise<void> {
  const file = new URL('./lambda/LambdaFunction.js', import.meta.resolve('serverless-offline'));
  const { default: LambdaFunction }: { default: unknown } = await import(file.href);
  const prototype: unknown = typeof LambdaFunction === 'function' ? LambdaFunction.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null || !('runHandler' in prototype)) {
    throw new Error(
      'serverless-offline no longer has LambdaFunction.runHandler: adapt local/stack/emulated-gateway.ts.',
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
 * Serverless compiles a schema to validate serverless.yml, which takes half of a first start. `npm run
 * package` and the template checks still validate that file.
 */
function skipConfigValidation(): void {
  const require = createRequire(import.meta.url);
  const serverless = dirname(require.resolve('serverless/package.json'));
  const handler: unknown = require(join(serverless, 'lib/classes/config-schema-handler/index.js'));
  const prototype: unknown = typeof handler === 'function' ? handler.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null || !('validateConfig' in prototype)) {
    throw new Error(
      'Serverless no longer has ConfigSchemaHandler.validateConfig: adapt local/stack/emulated-gateway.ts.',
    );
  }
  prototype.validateConfig = async () => {};
}

/** If Serverless fails to start, it only sets an exit code, and its watchers keep the process alive. */
function exitWhenFailed(): void {
  setInterval(() => {
    if (process.exitCode) process.exit();
  }, 100).unref();
}

// The emulator's workers load this file too, but must not run it.
if (isMainThread) {
  allowOrigins(new Set((process.env['ALLOWED_ORIGINS'] ?? '').split(',')));
  exitWhenFailed();
  skipConfigValidation();
  await answerFailuresWith500();
}
