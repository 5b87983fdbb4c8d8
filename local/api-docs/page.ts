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
import { answerTable, inputTable } from './fields.ts';
import { type Html, inline, joined, type Part, prose } from './prose.ts';
import { DOCS_STYLE } from './style.ts';

/** Lets the page have its own style, known by its hash, and nothing else. */
export const DOCS_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(DOCS_STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Stands in the page for the address of the API, which is known only when the page is served. */
export const API_ADDRESS = '{API_ADDRESS}';

/** The API as one page that needs nothing else: no script, no font, no second request. */
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
<section id="start"><h1>${title}</h1><p class="soft">Version ${version} · <a href="/openapi.json">OpenAPI document</a></p>
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
  // Only one of the two is displayed: no style can keep an element open on a wide screen that folds on a narrow one.
  return html`<nav class="wide" aria-label="Contents"><a class="name" href="#start">${api.info.title}</a>
${contents}</nav>
<nav class="narrow" aria-label="Contents"><details><summary>Contents</summary>${contents}</details></nav>`;
}

function authentication({ components }: ApiDocument): Html {
  return html`<section id="authentication"><h2>Authentication</h2>
${prose(components.securitySchemes.apiKey.description)}
<p>The examples on this page take the address and the key from the shell:</p>
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
  return html`<article id="${operationId}" aria-labelledby="${operationId}-title">
<h3 id="${operationId}-title"><a href="#${operationId}">${summary}</a></h3>
<p class="route">${methodName(method)}<span>${path}</span>
<span class="soft">${security.length > 0 ? 'needs an API key' : 'needs no key'}</span></p>
${prose(description)}
${parameters.length === 0 ? null : html`<h4>Parameters</h4>${inputTable(`Parameters: ${summary}`, parameters.map(named))}`}
${fields.length === 0 ? null : html`<h4>Body</h4>${inputTable(`Body: ${summary}`, fields)}`}
<h4>Request</h4>
${block(curl(call, body?.example))}
${answer(api, call)}
<h4>Problems</h4>
<ul class="codes problems">${problemCodesOf(call).map(({ status, codes }) => html`<li><b>${status}</b><span>${joined(codes.map(codeLink), ', ')}</span></li>`)}</ul>
</article>`;
}

const named = ({ required = false, ...parameter }: Call['parameters'][number]) => ({
  required,
  ...parameter,
});

function answer(api: ApiDocument, { responses, summary }: Call): Html {
  const successes = Object.entries(responses).filter(([status]) => status < '400');
  const lines = successes.map(
    ([status, { description }]) => html`<li><b>${status}</b><span>${inline(description)}</span></li>`,
  );
  const schemas = successes.flatMap(([, { content }]) => content['application/json']?.schema ?? []);
  const [schema] = schemas.map((reference) => resolved(api, reference));
  const fields = schema === undefined ? [] : fieldsOf(api, schema);
  return html`<h4>Answer</h4>
<ul class="codes">${lines}</ul>
${schema?.examples === undefined ? null : block(json(schema.examples[0]))}
${fields.length === 0 ? null : html`<details><summary>Fields of the answer</summary>${answerTable(`Answer: ${summary}`, fields)}</details>`}`;
}

/** A call for the shell, with the address and the key in variables. */
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
  const answered = codes.filter(({ code }) => callsAnswering(api, code).length > 0);
  return html`<section id="problems"><h2>Problems</h2>${prose(description)}
${block(json(problem.examples?.[0]))}
<details><summary>Fields of a problem</summary>${answerTable('Fields of a problem', fieldsOf(api, problem))}</details>
<dl>${answered.map((entry) => problemEntry(api, entry))}</dl></section>`;
}

function problemEntry(api: ApiDocument, { code, status, title, advice }: ProblemEntry): Html {
  return html`<dt id="${code}"><b>${status}</b><a href="#${code}"><code>${code}</code></a><span>${title}</span></dt>
<dd>${inline(advice)}<small>${answeredBy(api, code)}</small></dd>`;
}

/** The calls that can answer with a problem. Only operators' tools answer with a code that has none. */
const callsAnswering = (api: ApiDocument, code: string): Call[] =>
  callsOf(api).filter((call) => problemCodesOf(call).some(({ codes }) => codes.includes(code)));

function answeredBy(api: ApiDocument, code: string): Part {
  const calls = callsOf(api);
  const answering = callsAnswering(api, code);
  const withKey = calls.filter(({ security }) => security.length > 0);
  if (answering.length === calls.length) return 'From every call.';
  if (answering.length === withKey.length && answering.every((call) => call.security.length > 0)) {
    return 'From every call with a key.';
  }
  const links = answering.map(({ operationId, summary }) => html`<a href="#${operationId}">${summary}</a>`);
  return ['From: ', joined(links, ', '), '.'];
}

const methodName = (method: string): Html =>
  html`<span class="method ${method}">${method.toUpperCase()}</span>`;
const codeLink = (code: string): Html => html`<a href="#${code}"><code>${code}</code></a>`;
/** Can be scrolled sideways, so it can be reached by keyboard. */
const block = (text: string): Html => html`<pre tabindex="0"><code>${text}</code></pre>`;
const json = (value: unknown): string => JSON.stringify(value, null, 2);
