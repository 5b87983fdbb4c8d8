import type { Call } from '../../local/api-docs/api-document.ts';
import type { FuzzedRequest } from './requests.ts';
import type { World } from './world.ts';

/** The document's example request of a call, made for an existing customer and existing objects. */
export function exampleOf(call: Call, { apiKeys, exampleIds }: World): FuzzedRequest {
  const { operationId, parameters, requestBody } = call;
  const id = exampleIds[operationId];
  const valuesIn = (place: string): Record<string, string> =>
    Object.fromEntries(
      parameters
        .filter(({ in: where, required }) => where === place && required === true)
        .map(({ name, schema }) => [name, place === 'path' && id ? id : String(schema.examples?.[0])]),
    );
  const example = requestBody?.content['application/json']?.example;
  const [apiKey = ''] = apiKeys;
  return {
    apiKey,
    params: valuesIn('path'),
    query: valuesIn('query'),
    headers: { 'content-type': 'application/json' },
    ...(example !== undefined && { rawBody: JSON.stringify(example).replace(/pm_\w+/, id ?? '') }),
    isBase64Encoded: false,
    isValid: true,
  };
}
