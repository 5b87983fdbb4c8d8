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

/** So long a page waits for the deliveries that its button caused, to show what came of them. */
const SHOW_DELIVERIES_WITHIN_MS = 1_500;

const Form = z.object({
  input: z.string(),
  /** An address of these pages: a name, or a name and an id. */
  back: z.string().check(z.regex(/^\/(?:[a-z_]+(?:\/[\w-]+)?)?$/)),
});

export interface Button {
  readonly label: string;
  readonly control: Control['path'];
  /** Of the object that the control acts on. */
  readonly id?: string;
  readonly input: object;
  readonly back: string;
}

/** A button that uses a control of the double and returns to the page. */
export function button({ label, control, id = '', input, back }: Button): Html {
  return html`<form method="post" action="${formPath(control).replace(':id', encodeURIComponent(id))}">
<input type="hidden" name="input" value="${JSON.stringify(input)}"><input type="hidden" name="back" value="${back}">
<button>${label}</button></form>`;
}

const formPath = (control: Control['path']): string => control.replace('/_double/', '/do/');

/** The controls for forms of the double's own pages. A form of another site is refused. */
export function addActions(app: App, double: Double, problemPage: (problem: string) => Html): void {
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
  problemPage: (problem: string) => Html,
): Promise<Response> {
  const form = Form.safeParse(await c.req.parseBody());
  if (!form.success) return c.html(problemPage('The form is not one of these pages.'), 400);
  const { input, back } = form.data;
  const done = await perform(double, control, c.req.param('id') ?? '', parsed(input));
  if ('problem' in done) return c.html(problemPage(done.problem), done.status);
  await Promise.race([double.deliveries.idle(), sleep(SHOW_DELIVERIES_WITHIN_MS)]);
  return c.redirect(`${back}?done=${CONTROLS.indexOf(control)}`, 303);
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

/** What the page that a button returns to says, by the number of the control in its address. */
export function doneText(number: string | undefined): string | null {
  if (number === undefined || !/^\d{1,3}$/.test(number)) return null;
  const path = CONTROLS[Number(number)]?.path;
  return path === undefined ? null : (DONE[path] ?? null);
}
