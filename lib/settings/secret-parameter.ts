import { readFromSsm } from './parameters.ts';
import { AwsRefusal, signedCall } from './signed-call.ts';

const TIMEOUT_MS = 2_000;

/** Reads a parameter as it is now. @returns null if there is none @throws as `readFromSsm` does */
export async function readSecret(env: NodeJS.ProcessEnv, name: string): Promise<string | null> {
  try {
    return await readFromSsm(env, name);
  } catch (error) {
    if (error instanceof AwsRefusal && error.code === 'ParameterNotFound') return null;
    throw error;
  }
}

/** Creates or replaces a SecureString. @throws AwsRefusal with SSM's own error code, never with a value */
export async function writeSecret(env: NodeJS.ProcessEnv, name: string, value: string): Promise<void> {
  await signedCall(env, {
    service: 'ssm',
    host: 'ssm',
    endpoint: env['AWS_ENDPOINT_URL_SSM'],
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AmazonSSM.PutParameter' },
    body: JSON.stringify({ Name: name, Value: value, Type: 'SecureString', Overwrite: true }),
    timeoutMs: TIMEOUT_MS,
  });
}
