import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'hono';
import { csrf } from 'hono/csrf';
import { html } from 'hono/html';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod/mini';
import { CONTROLS, type Control, perform } from '../controls.ts';
import type { Double } from '../double.ts';
import type { App } from '../http/app.ts';
import type { Html } from './markup.ts';

/** How long a page waits for the deliveries that its button caused, to show their outcome. */
const SHOW_DELIVERIES_WITHIN_MS = 1_500;

/** Prefix of the names of fields that a person fills in. */
const FIELD_PREFIX = 'field.';

const Form = z.looseObject({
  input: z.string(),
  /** An address of these pages: a name, or a name and an id. */
  back: z.string().check(z.regex(/^\/(?:[a-z_]+(?:\/[\w-]+)?)?$/)),
});

export interface Button {
  readonly label: string;
  readonly control: Control['path'];
  /** The object of the control. */
  readonly id?: string;
  readonly input: object;
  readonly back: string;
}

/** A button that uses a control of the stand-in and returns to the page. */
export function button({ label, control, id = '', input, back }: Button): Html {
  return html`<form method="post" action="${formPath(control).replace(':id', encodeURIComponent(id))}">
<input type="hidden" name="input" value="${JSON.stringify(input)}">
<input type="hidden" name="back" value="${back}">
<button>${label}</button></form>`;
}

export interface Field {
  /** A field of the control's input. An empty field is left out. */
  readonly name: string;
  readonly label: string;
  readonly value?: string;
  readonly required?: boolean;
  /** Suggestions while typing. */
  readonly options?: readonly string[];
}

/** A form that a person fills in, for a control of the stand-in. */
export function fieldForm({
  label,
  control,
  id = '',
  input,
  back,
  fields,
}: Button & { readonly fields: readonly Field[] }): Html {
  const action = formPath(control).replace(':id', encodeURIComponent(id));
  return html`<form method="post" class="fields" action="${action}">
<input type="hidden" name="input" value="${JSON.stringify(input)}">
<input type="hidden" name="back" value="${back}">
${fields.map(field)}
<button>${label}</button></form>`;
}

function field({ name, label, value = '', required = false, options }: Field): Html {
  const list = options === undefined ? null : html` list="options-${name}"`;
  const isRequired = required ? html` required` : null;
  const known = options?.map((one) => html`<option value="${one}">`);
  return html`<label>${label}
<input type="text" name="${FIELD_PREFIX}${name}" value="${value}" autocomplete="off"${list}${isRequired}>
</label>
${known === undefined ? null : html`<datalist id="options-${name}">${known}</datalist>`}`;
}

const formPath = (control: Control['path']): string => control.replace('/_double/', '/do/');

/** Shows the problem, with a link back to the form. */
export type ProblemPage = (problem: string, back: string) => Html;

/** The controls for forms of the stand-in's own pages. A form of another site is rejected. */
export function addActions(app: App, double: Double, problemPage: ProblemPage): void {
  const guard = csrf();
  app.use('/do/*', async (c, next) => {
    try {
      return await guard(c, next);
    } catch (error) {
      if (!(error instanceof HTTPException)) throw error;
      return c.text("This takes forms of the double's own pages only. Programs use /_double.\n", 403);
    }
  });
  for (const control of CONTROLS) {
    app.post(formPath(control.path), (c) => submitted(double, control, c, problemPage));
  }
}

async function submitted(
  double: Double,
  control: Control,
  c: Context,
  problemPage: ProblemPage,
): Promise<Response> {
  const form = Form.safeParse(await c.req.parseBody());
  if (!form.success) return c.html(problemPage('The form is not one of these pages.', '/'), 400);
  const { input, back, ...typed } = form.data;
  const done = await perform(double, control, c.req.param('id') ?? '', withFields(parsed(input), typed));
  if ('problem' in done) return c.html(problemPage(done.problem, back), done.status);
  await Promise.race([double.deliveries.idle(), sleep(SHOW_DELIVERIES_WITHIN_MS)]);
  return c.redirect(`${back}?done=${CONTROLS.indexOf(control)}`, 303);
}

/** Adds the typed values to the form's own input. */
function withFields(input: unknown, typed: Readonly<Record<string, unknown>>): unknown {
  const filled = Object.entries(typed).flatMap(([name, value]) =>
    name.startsWith(FIELD_PREFIX) && typeof value === 'string' && value.trim() !== ''
      ? [[name.slice(FIELD_PREFIX.length), value.trim()] as const]
      : [],
  );
  if (filled.length === 0 || typeof input !== 'object' || input === null) return input;
  return { ...input, ...Object.fromEntries(filled) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const DONE: Readonly<Partial<Record<Control['path'], string>>> = {
  '/_double/clock': 'The clock was moved. What was due by then has happened.',
  '/_double/faults/clear': 'The faults were removed.',
  '/_double/webhooks': 'The delivery of webhooks was changed.',
  '/_double/checkout_sessions/:id/enter_card': 'The card was entered.',
  '/_double/checkout_sessions/:id/authenticate': 'The cardholder answered.',
  '/_double/setup_intents/:id/authenticate': 'The cardholder answered.',
  '/_double/portal_sessions/:id/act': 'Done.',
  '/_double/switches': 'The switch was set.',
  '/_double/webhooks/release': 'What was held back was sent.',
  '/_double/events/:id/redeliver': 'The event was sent again.',
  '/_double/charges/:id/dispute': 'A dispute was opened.',
  '/_double/disputes/:id/close': 'The dispute was closed.',
  '/_double/disputes/:id/escalate': 'The inquiry escalated.',
  '/_double/disputes/:id/appeal': 'The dispute was appealed.',
  '/_double/disputes/:id/reinstate_funds': 'The funds were reinstated.',
  '/_double/charges/:id/early_fraud_warning': 'The warning was sent.',
  '/_double/refunds/:id/answer': 'The bank answered.',
  '/_double/payment_intents/:id/authenticate': 'The cardholder answered.',
  '/_double/invoices/:id/pay': 'The card was tried.',
};

/** The notice after a button, by the control's number in the address. */
export function doneText(number: string | undefined): string | null {
  if (number === undefined || !/^\d{1,3}$/.test(number)) return null;
  const path = CONTROLS[Number(number)]?.path;
  return path === undefined ? null : (DONE[path] ?? null);
}
