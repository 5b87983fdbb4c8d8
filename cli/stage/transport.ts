import { InvokeCommand, LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda';

/** What became of one invocation. */
export type Invoked =
  | { readonly kind: 'answered'; readonly payload: string }
  /** It ran, and ended without an answer. */
  | { readonly kind: 'failed' }
  /** There is no such function. */
  | { readonly kind: 'missing' };

/** How functions are reached. */
export interface Transport {
  invoke(functionName: string, payload: string): Promise<Invoked>;
  close(): void;
}

/** Longer than any function of ours may run. */
const ANSWER_WITHIN_MS = 300_000;
const CONNECT_WITHIN_MS = 5_000;

/**
 * Lambda's own API, with the operator's own right to invoke.
 * @param endpoint another server than Lambda's
 */
export function openLambda(endpoint: string | undefined, answerWithinMs = ANSWER_WITHIN_MS): Transport {
  const client = new LambdaClient({
    // A lost answer is the operator's to judge: a key that was issued must not be issued again unseen.
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
