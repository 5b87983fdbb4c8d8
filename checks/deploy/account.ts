import { Hash } from '@smithy/core/serde';
import { SignatureV4 } from '@smithy/signature-v4';

/** Access to the emulator: as the account's root, or under a role. */
export interface Access {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

/** The emulator takes an account id as the key of that account's root. */
export const asRoot = (endpoint: string): Access => ({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: '000000000000', secretAccessKey: 'root' },
});

/** The environment of a program that uses the AWS SDK. Names each variable that a command of ours reads. */
export const environmentOf = ({ endpoint, region, credentials }: Access) => ({
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  ...(credentials.sessionToken !== undefined && { AWS_SESSION_TOKEN: credentials.sessionToken }),
  AWS_ENDPOINT_URL: endpoint,
  AWS_ENDPOINT_URL_SSM: endpoint,
  AWS_EC2_METADATA_DISABLED: 'true',
});

/** Stores an object. The project has no client of S3. @throws Error with the refusal */
export async function putObject(
  { endpoint, region, credentials }: Access,
  bucket: string,
  key: string,
  body: Uint8Array | string,
): Promise<string> {
  const url = new URL(`${endpoint}/${bucket}/${key}`);
  const sha256 = Hash.bind(null, 'sha256');
  const signer = new SignatureV4({ service: 's3', region, credentials, sha256, uriEscapePath: false });
  const { headers } = await signer.sign({
    method: 'PUT',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    headers: { host: url.host },
    body,
  });
  const response = await fetch(url, { method: 'PUT', headers, body });
  if (!response.ok) throw new Error(`${key} was not stored: ${response.status} ${await response.text()}`);
  return url.href;
}
