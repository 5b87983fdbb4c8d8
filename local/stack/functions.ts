import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { LOCAL_STAGE } from '../../cli/stage/serverless-file.ts';

/** Invokes the functions of the running stack through Lambda's API. */
export class LocalFunctions {
  readonly #client: LambdaClient;

  constructor(lambdaEndpoint: string) {
    this.#client = new LambdaClient({ endpoint: lambdaEndpoint, maxAttempts: 1 });
  }

  /** @throws Error if the function ends without an answer */
  async invoke(name: string, event: unknown): Promise<unknown> {
    const command = new InvokeCommand({
      FunctionName: `rsolv-billing-${LOCAL_STAGE}-${name}`,
      Payload: JSON.stringify(event),
    });
    const { Payload, FunctionError } = await this.#client.send(command);
    const text = Payload?.transformToString() ?? '';
    if (FunctionError !== undefined) throw new Error(`${name} failed: ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  close(): void {
    this.#client.destroy();
  }
}
