import { InvokeCommand, LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda';

/** The outcome of one invocation. */
export type Invoked =
  | { readonly kind: 'answered'; readonly payload: string }
  /** The function ran and ended without an answer. */
  | { readonly kind: 'failed' }
  /** There is no such function. */
  | { readonly kind: 'missing' };

/** Invokes functions by name. */
export interface Transport {
  invoke(functionName: string, payload: string): Promise<Invoked>;
  close(): void;
}

/** Longer than any function runs when an operator invokes it. */
const ANSWER_WITHIN_MS = 300_000;
const CONNECT_WITHIN_MS = 5_000;

/**
 * Invokes through Lambda's API with the operator's own permissions.
 * @param endpoint a server other than Lambda's
 */
export function openLambda(endpoint: string | undefined, answerWithinMs = ANSWER_WITHIN_MS): Transport {
  const client = new LambdaClient({
    // No automatic retry: after a lost answer the operator decides. A retry could silently issue a second API
    // key.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_WITHIN_MS,
      requestTimeout: answerWithinMs,
      throwOnRequestTimeout: true,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  return {
    invoke: async (FunctionName, Payload) => {
      try {
        const answer = await client.send(new InvokeCommand({ FunctionName, Payload }));
        if (answer.FunctionError !== undefined) return { kind: 'failed' };
        return { kind: 'answered', payload: answer.Payload?.transformToString() ?? '' };
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return { kind: 'missing' };
        throw error;
      }
    },
    close: () => client.destroy(),
  };
}
