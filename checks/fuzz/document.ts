import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import document from '../../docs/openapi.json' with { type: 'json' };
import { PROBLEMS } from '../../lib/errors.ts';
import { type Call, callsOf, problemCodesOf } from '../../local/api-docs/api-document.ts';

/* The promises of the API document, as checks. */

export interface Answered {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

export const calls = callsOf(document);

/** Not strict, because the document contains more than schemas. */
const ajv = new Ajv2020({ strict: false, allErrors: true, formats: fullFormats });
ajv.addSchema(document, 'api');
const compiled = new Map<string, ValidateFunction>();

const step = (name: string): string => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));

function schemaAt(...steps: readonly string[]): ValidateFunction {
  const $ref = `api#/${steps.map(step).join('/')}`;
  const validate = compiled.get($ref) ?? ajv.compile({ $ref });
  compiled.set($ref, validate);
  return validate;
}

/** Whether the document allows this body. */
export function allowsBody({ path, method, requestBody }: Call, body: unknown): boolean {
  if (requestBody === undefined) return true;
  return schemaAt('paths', path, method, 'requestBody', 'content', 'application/json', 'schema')(body);
}

/** Differences between an answer and the document, in words. Empty if there are none. */
export function faultsOf(call: Call, answered: Answered): string[] {
  const { status, headers, text } = answered;
  const faults: string[] = [];
  if (status >= 500) faults.push(`${status}`);
  if (/\bat \S+ \(|node_modules|\.ts:\d+/.test(text) && call.tags[0] !== 'Service')
    faults.push('the answer contains a stack trace');
  const response = call.responses[status];
  if (response === undefined) return [...faults, `${status} is not a documented status`];
  const contentType = headers.get('content-type') ?? 'none';
  const [mediaType = ''] = contentType.split(';');
  if (response.content[mediaType] === undefined)
    return [...faults, `content type ${contentType} is not documented for ${status}`];
  const body: unknown = mediaType.endsWith('json') ? JSON.parse(text) : text;
  const validate = schemaAt(
    'paths',
    call.path,
    call.method,
    'responses',
    String(status),
    'content',
    mediaType,
    'schema',
  );
  if (!validate(body)) faults.push(`does not match the schema: ${ajv.errorsText(validate.errors)}`);
  return [
    ...faults,
    ...missingHeaders(call, answered),
    ...(status < 400 ? [] : problemFaults(call, answered, body)),
  ];
}

function missingHeaders({ path, method }: Call, { status, headers }: Answered): string[] {
  const documented = headersOf(path, method, String(status));
  return documented.filter((name) => !headers.get(name)).map((name) => `the header ${name} is missing`);
}

const Paths: ReadonlyMap<string, unknown> = new Map(Object.entries(document.paths));

function headersOf(...steps: readonly [path: string, method: string, status: string]): string[] {
  const [path, method, status] = steps;
  const headers = [method, 'responses', status, 'headers'].reduce<unknown>(inside, Paths.get(path));
  return typeof headers === 'object' && headers !== null ? Object.keys(headers) : [];
}

const inside = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** Checks for RFC 9457, and for a code that the document lists for this call and this status. */
function problemFaults(call: Call, { status, headers }: Answered, body: unknown): string[] {
  const faults: string[] = [];
  const code = inside(body, 'code');
  const known = new Map<unknown, { status: number; title: string }>(Object.entries(PROBLEMS)).get(code);
  if (known?.status !== status) faults.push(`the code ${code} does not belong to ${status}`);
  const documented = problemCodesOf(call).find((group) => group.status === String(status))?.codes ?? [];
  if (!documented.some((one) => one === code))
    faults.push(`the code ${code} is not documented for this call`);
  if (inside(body, 'type') !== `/docs#${code}`) faults.push('its type does not match its code');
  if (inside(body, 'title') !== known?.title) faults.push('its title does not match its code');
  if (inside(body, 'status') !== status) faults.push('its status differs from that of the answer');
  if (inside(body, 'request_id') !== headers.get('x-request-id'))
    faults.push('its request id differs from that of the answer');
  const wait = headers.get('retry-after');
  if (wait !== undefined && !/^[1-9]\d*$/.test(wait)) faults.push(`retry-after: ${wait}`);
  return faults;
}
