import type { SQSClient } from '@aws-sdk/client-sqs';
import { AwsRefusal, signedPost } from '../../lib/settings/signed-call.ts';

const TIMEOUT_MS = 6_000;

export type Subscription = 'confirmed' | 'pending' | 'none';

/**
 * Whether an address hears of a topic. SNS answers in XML, and this is all that is asked of it: not worth a client of its own.
 * @param signedIn a client that knows region and credentials
 * @throws AwsRefusal
 */
export async function subscriptionOf(
  signedIn: SQSClient,
  topicArn: string,
  address: string,
): Promise<Subscription> {
  const { accessKeyId, secretAccessKey, sessionToken } = await signedIn.config.credentials();
  const env = {
    AWS_REGION: await signedIn.config.region(),
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
  };
  const response = await signedPost(env, {
    service: 'sns',
    host: 'sns',
    endpoint: process.env['AWS_ENDPOINT_URL_SNS'] ?? process.env['AWS_ENDPOINT_URL'],
    path: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: String(
      new URLSearchParams({ Action: 'ListSubscriptionsByTopic', Version: '2010-03-31', TopicArn: topicArn }),
    ),
    timeoutMs: TIMEOUT_MS,
  });
  const xml = await response.text();
  if (!response.ok) throw new AwsRefusal('sns', response.status, field(xml, 'Code') ?? 'without saying why');
  const members = [...xml.matchAll(/<member>(.*?)<\/member>/gs)].map(([member]) => member);
  const theirs = members.filter((member) => field(member, 'Endpoint') === address);
  // Until it is confirmed there is a word in place of its ARN.
  if (theirs.some((member) => field(member, 'SubscriptionArn')?.startsWith('arn:'))) return 'confirmed';
  return theirs.length > 0 ? 'pending' : 'none';
}

/** Addresses, names and codes hold nothing that XML would have escaped. */
const field = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
