import { AwsJson1_0Protocol } from '@aws-sdk/core/protocols';
import { HttpRequest } from '@smithy/core/protocols';

type Serialize = AwsJson1_0Protocol['serializeRequest'];
type Context = Parameters<Serialize>[2];
type Operation = Parameters<Serialize>[0];
type Response = Parameters<AwsJson1_0Protocol['deserializeResponse']>[2];

/** Operations whose JSON is the same as their input and output: it has no times and no bytes. */
const PLAIN: ReadonlySet<string> = new Set([
  'BatchGetItem',
  'GetItem',
  'Query',
  'Scan',
  'TransactWriteItems',
]);

/**
 * The SDK's protocol, without its walk through the schema for each value of the store's own operations.
 * Errors and all other operations go through the SDK.
 */
export class PlainProtocol extends AwsJson1_0Protocol {
  override async serializeRequest<Input extends object>(
    operation: Operation,
    input: Input,
    context: Context,
  ) {
    if (!PLAIN.has(operation.name)) return super.serializeRequest(operation, input, context);
    const request = new HttpRequest({
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `${this.serviceTarget}.${operation.name}`,
      },
      body: JSON.stringify(input),
    });
    return this.updateServiceEndpoint(request, await context.endpoint());
  }

  override async deserializeResponse<Output extends { $metadata: object }>(
    operation: Operation,
    context: Context,
    response: Response,
  ): Promise<Output> {
    const { body, statusCode } = response;
    if (!PLAIN.has(operation.name) || this.isErrorResponse(statusCode) || !Buffer.isBuffer(body))
      return super.deserializeResponse(operation, context, response);
    const output: Output = JSON.parse(body.toString());
    output.$metadata = this.deserializeMetadata(response);
    return output;
  }
}
