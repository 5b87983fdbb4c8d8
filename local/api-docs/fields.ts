import { html } from 'hono/html';
import { NO_CONTROL_CHARACTERS } from '../../lib/http/contract.ts';
import type { Field, Schema } from './api-document.ts';
import { type Html, inline, joined, type Part } from './prose.ts';

/** The table of fields that a caller sends, required or optional. */
export function inputTable(caption: string, fields: readonly (Field & { readonly in?: string })[]): Html {
  return fieldsTable(caption, fields, ({ required, in: place }) => [
    required ? html`<span class="required">required</span>` : 'optional',
    place === undefined ? null : `, in the ${place}`,
  ]);
}

/** The table of fields that a caller receives. Marks only the fields that may be absent. */
export function responseTable(caption: string, fields: readonly Field[]): Html {
  return fieldsTable(caption, fields, ({ required }) => (required ? null : 'may be absent'));
}

function fieldsTable<F extends Field>(
  caption: string,
  fields: readonly F[],
  presence: (field: F) => Part,
): Html {
  const rows = fields.map(
    (field) => html`
<tr><td>${breakable(field.name)}<small>${presence(field)}</small></td>
<td>${typeName(field.schema)}</td>
<td>${inline(field.schema.description ?? '')}${limitsLine(field.schema)}</td></tr>`,
  );
  return html`<table aria-label="${caption}">
<thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
<tbody>${rows}</tbody></table>`;
}

/** Allows a line break in a long path after a dot. */
const breakable = (path: string): Part => joined(path.split(/(?<=\.)/), html`<wbr>`);

/** Names of formats for readers. */
const FORMATS: Readonly<Record<string, string>> = { 'date-time': 'time', email: 'e-mail', uri: 'URL' };

function typeName({ type, format, items, anyOf }: Schema): string {
  if (items !== undefined) return `list of ${typeName(items)}s`;
  if (anyOf !== undefined) return anyOf.map(typeName).join(' or ');
  if (format !== undefined) return FORMATS[format] ?? format;
  return type === undefined ? 'object' : [type].flat().join(' or ');
}

function limitsLine(schema: Schema): Html | null {
  const limits = [values(schema), length(schema), range(schema), pattern(schema), fallback(schema)];
  const present = limits.filter((limit) => limit !== null);
  return present.length === 0 ? null : html`<small>${joined(present, '; ')}</small>`;
}

function values({ enum: own, const: only, anyOf = [] }: Schema): Part {
  if (only !== undefined) return html`always <code>${String(only)}</code>`;
  const choices = own ?? anyOf.flatMap((option) => option.enum ?? []);
  const codes = choices.filter((choice) => choice !== null).map((choice) => html`<code>${choice}</code>`);
  return codes.length === 0 ? null : ['one of ', joined(codes, ', ')];
}

function length({ minLength, maxLength }: Schema): Part {
  if (maxLength === undefined) return null;
  return minLength === undefined
    ? `at most ${maxLength} characters`
    : `${minLength} to ${maxLength} characters`;
}

function range({ minimum, exclusiveMinimum, maximum }: Schema): Part {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  if (exclusiveMinimum !== undefined) return `greater than ${exclusiveMinimum}`;
  return null;
}

function pattern({ pattern: expression, format }: Schema): Part {
  if (expression === undefined || format !== undefined) return null;
  if (expression === NO_CONTROL_CHARACTERS) return 'no control characters';
  return html`matches <code>${expression}</code>`;
}

function fallback({ default: value }: Schema): Part {
  return value === undefined ? null : html`<code>${JSON.stringify(value)}</code> when left out`;
}
