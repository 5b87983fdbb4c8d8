import { createHash } from 'node:crypto';
import { html, raw } from 'hono/html';
import {
  type ApiDocument,
  type Call,
  callsOf,
  fieldsOf,
  type ProblemEntry,
  problemCodesOf,
  resolved,
} from './api-document.ts';
import { inputTable, responseTable } from './fields.ts';
import { type Html, inline, joined, type Part, prose } from './prose.ts';
import { DOCS_STYLE } from './style.ts';

/** Allows only the page's own style, identified by its hash. */
export const DOCS_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(DOCS_STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Placeholder for the address of the API, which is known only when the page is served. */
export const API_ADDRESS = '{API_ADDRESS}';

/** The API documentation as one self-contained page: no script, no font, no second request. */
export async function docsPage(api: ApiDocument): Promise<string> {
  const { title, version, description } = api.info;
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(DOCS_STYLE)}</style>
</head>
<body>
<a class="skip" href="#start">Skip to the content</a>
<div class="page">
${navigation(api)}
<main>
<section id="start"><h1>${title}</h1>
<p class="soft">Version ${version} · <a href="/openapi.json">OpenAPI document</a></p>
${prose(description)}</section>
${authentication(api)}
${api.tags.map((tag) => callsSection(api, tag))}
${problemsSection(api)}
</main>
</div>
</body>
</html>
`;
  return page.toString();
}

function navigation(api: ApiDocument): Html {
  const links = (calls: readonly Call[]) =>
    calls.map(
      ({ operationId, method, summary }) =>
        html`<li><a href="#${operationId}">${methodName(method)}<span>${summary}</span></a></li>`,
    );
  const groups = api.tags.map(
    ({ name }) => html`<p>${name}</p><ul aria-label="${name}">${links(callsWithTag(api, name))}</ul>`,
  );
  const contents = html`<ul><li><a href="#authentication">Authentication</a></li>
<li><a href="#problems">Problems</a></li></ul>${groups}`;
  // The contents are there twice, and CSS displays one: CSS cannot keep <details> open on wide screens only.
  return html`<nav class="wide" aria-label="Contents"><a class="name" href="#start">${api.info.title}</a>
${contents}</nav>
<nav class="narrow" aria-label="Contents"><details><summary>Contents</summary>${contents}</details></nav>`;
}

function authentication({ components }: ApiDocument): Html {
  return html`<section id="authentication"><h2>Authentication</h2>
${prose(components.securitySchemes.apiKey.description)}
<p>The examples on this page read the address and the key from these variables:</p>
${block(`export RSOLV_API='${API_ADDRESS}'\nexport RSOLV_API_KEY='rsolv_…'`)}
</section>`;
}

function callsSection(api: ApiDocument, { name, description }: ApiDocument['tags'][number]): Html {
  return html`<section id="${name.toLowerCase()}"><h2>${name}</h2>${prose(description)}
${callsWithTag(api, name).map((call) => callArticle(api, call))}</section>`;
}

const callsWithTag = (api: ApiDocument, tag: string): Call[] =>
  callsOf(api).filter(({ tags }) => tags.includes(tag));

function callArticle(api: ApiDocument, call: Call): Html {
  const { operationId, summary, method, path, description, security, parameters, requestBody } = call;
  const body = requestBody?.content['application/json'];
  const fields = body === undefined ? [] : fieldsOf(api, body.schema);
  const parameterTable = inputTable(`Parameters: ${summary}`, parameters.map(named));
  const problemItems = problemCodesOf(call).map(
    ({ status, codes }) => html`<li><b>${status}</b><span>${joined(codes.map(codeLink), ', ')}</span></li>`,
  );
  return html`<article id="${operationId}" aria-labelledby="${operationId}-title">
<h3 id="${operationId}-title"><a href="#${operationId}">${summary}</a></h3>
<p class="route">${methodName(method)}<span>${path}</span>
<span class="soft">${security.length > 0 ? 'needs an API key' : 'needs no API key'}</span></p>
${prose(description)}
${parameters.length === 0 ? null : html`<h4>Parameters</h4>${parameterTable}`}
${fields.length === 0 ? null : html`<h4>Body</h4>${inputTable(`Body: ${summary}`, fields)}`}
<h4>Request</h4>
${block(curl(call, body?.example))}
${response(api, call)}
<h4>Problems</h4>
<ul class="codes problems">${problemItems}</ul>
</article>`;
}

const named = ({ required = false, ...parameter }: Call['parameters'][number]) => ({
  required,
  ...parameter,
});

function response(api: ApiDocument, { responses, summary }: Call): Html {
  const successes = Object.entries(responses).filter(([status]) => status < '400');
  const lines = successes.map(
    ([status, { description }]) => html`<li><b>${status}</b><span>${inline(description)}</span></li>`,
  );
  const schemas = successes.flatMap(([, { content }]) => content['application/json']?.schema ?? []);
  const [schema] = schemas.map((reference) => resolved(api, reference));
  const fields = schema === undefined ? [] : fieldsOf(api, schema);
  const table = responseTable(`Response: ${summary}`, fields);
  return html`<h4>Response</h4>
<ul class="codes">${lines}</ul>
${schema?.examples === undefined ? null : block(json(schema.examples[0]))}
${fields.length === 0 ? null : html`<details><summary>Response fields</summary>${table}</details>`}`;
}

/** A curl command with the address and the key in variables. */
function curl({ method, path, parameters, security }: Call, body: unknown): string {
  const example = (name: string) =>
    String(parameters.find((parameter) => parameter.name === name)?.schema.examples?.[0] ?? `<${name}>`);
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => example(name));
  const query = parameters.filter((parameter) => parameter.in === 'query' && parameter.required);
  const search = query.map(({ name }) => `${name}=${encodeURIComponent(example(name))}`).join('&');
  const verb = method === 'get' ? '' : `-X ${method.toUpperCase()} `;
  return [
    `curl ${verb}"$RSOLV_API${url}${search && `?${search}`}"`,
    ...(security.length > 0 ? ['-H "x-api-key: $RSOLV_API_KEY"'] : []),
    ...(body === undefined
      ? []
      : ["-H 'content-type: application/json'", `-d '${json(body).replaceAll("'", "'\\''")}'`]),
  ].join(' \\\n  ');
}

function problemsSection(api: ApiDocument): Html {
  const { description, codes } = api['x-problems'];
  const problem = resolved(api, { $ref: '#/components/schemas/Problem' });
  const used = codes.filter(({ code }) => callsReturning(api, code).length > 0);
  return html`<section id="problems"><h2>Problems</h2>${prose(description)}
${block(json(problem.examples?.[0]))}
<details><summary>Problem fields</summary>${responseTable('Problem fields', fieldsOf(api, problem))}</details>
<dl>${used.map((entry) => problemEntry(api, entry))}</dl></section>`;
}

function problemEntry(api: ApiDocument, { code, status, title, advice }: ProblemEntry): Html {
  return html`<dt id="${code}"><b>${status}</b>${codeLink(code)}<span>${title}</span></dt>
<dd>${inline(advice)}<small>${returnedBy(api, code)}</small></dd>`;
}

/** The calls that can return a problem. A code without calls is returned only to operators' tools. */
const callsReturning = (api: ApiDocument, code: string): Call[] =>
  callsOf(api).filter((call) => problemCodesOf(call).some(({ codes }) => codes.includes(code)));

function returnedBy(api: ApiDocument, code: string): Part {
  const calls = callsOf(api);
  const returning = callsReturning(api, code);
  const withKey = calls.filter(({ security }) => security.length > 0);
  if (returning.length === calls.length) return 'Returned by every call.';
  if (returning.length === withKey.length && returning.every((call) => call.security.length > 0)) {
    return 'Returned by every call that needs an API key.';
  }
  const links = returning.map(({ operationId, summary }) => html`<a href="#${operationId}">${summary}</a>`);
  return ['Returned by: ', joined(links, ', '), '.'];
}

const methodName = (method: string): Html =>
  html`<span class="method ${method}">${method.toUpperCase()}</span>`;
const codeLink = (code: string): Html => html`<a href="#${code}"><code>${code}</code></a>`;
/** Focusable, because a block that scrolls sideways must be reachable by keyboard. */
const block = (text: string): Html => html`<pre tabindex="0"><code>${text}</code></pre>`;
const json = (value: unknown): string => JSON.stringify(value, null, 2);
