import { formatUsd } from '../../domain/pricing.ts';
import { type Html, html, type Part } from '../../html.ts';

/* What several pages show the same way. */

/** 2026-03-01T09:30:00.000Z → "2026-03-01 09:30 UTC", readable by programs too. */
export const timeOf = (iso: string): Html =>
  html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;

export const dayOf = (iso: string): Html => html`<time datetime="${iso}">${iso.slice(0, 10)}</time>`;

/** 1797 → "1,797" */
export const counted = (count: number): string => count.toLocaleString('en-US');

/** 1 → "1 credit", 1797 → "1,797 credits". */
export const countOf = (count: number, one: string, many = `${one}s`): string =>
  `${counted(count)} ${count === 1 ? one : many}`;

/** 3 → "+3", -3 → "−3" with a real minus sign. */
export const signed = (amount: number): string =>
  amount < 0 ? `−${counted(-amount)}` : `+${counted(amount)}`;

/** An amount that does not break over two lines. */
export const amountOf = (cents: number): Html => html`<span class="amount">${formatUsd(cents)}</span>`;

/**
 * An amount of Stripe's, in its own currency: 2900 of usd → "$29.00". Documents that staff make at Stripe
 * can be in any currency.
 */
export function currencyOf(amount: number, currency: string): string {
  if (!/^[a-z]{3}$/.test(currency)) return `${counted(amount)} ${currency}`;
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

export interface Column {
  readonly heading: string;
  readonly isNumber?: true;
}

/**
 * A table that scrolls sideways on a phone.
 * @param name says for screen readers what the table shows
 */
export function tableOf(name: string, columns: readonly Column[], rows: readonly (readonly Part[])[]): Html {
  const headings = columns.map(
    ({ heading, isNumber }) => html`<th scope="col"${numberClass(isNumber)}>${heading}</th>`,
  );
  const cellOf = (cell: Part, i: number) => html`<td${numberClass(columns[i]?.isNumber)}>${cell}</td>`;
  return html`<div class="wide" role="region" aria-label="${name}" tabindex="0">
<table><thead><tr>${headings}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cellOf)}</tr>\n`)}</tbody></table></div>`;
}

const numberClass = (isNumber: true | undefined): Html | null => (isNumber ? html` class="number"` : null);

/** Facts with their names, for example "Card: Visa, ends in 4242". */
export const factsOf = (facts: readonly (readonly [name: string, value: Part])[]): Html =>
  html`<dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/** A text field of a form. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'email' | 'number';
  readonly value?: string;
  /** Shown below the field. */
  readonly hint?: string;
  /** What is wrong with the value that was sent. */
  readonly problem?: string | undefined;
  readonly isRequired?: boolean;
  /** What the browser can fill in, such as `email`. */
  readonly autocomplete?: string;
}

/** A labelled field. Screen readers read its problem and hint with it. */
export function fieldOf(field: Field): Html {
  const { name, label, type = 'text', value = '', hint, problem, isRequired = true, autocomplete } = field;
  const described = [...(problem ? [`${name}-problem`] : []), ...(hint ? [`${name}-hint`] : [])];
  return html`<label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" value="${value}"${
    autocomplete === undefined ? null : html` autocomplete="${autocomplete}"`
  }${isRequired ? html` required` : null}${problem ? html` aria-invalid="true"` : null}${
    described.length === 0 ? null : html` aria-describedby="${described.join(' ')}"`
  }>
${problem ? html`<p class="fault" id="${name}-problem" role="alert">${problem}</p>` : null}${
  hint ? html`<p class="soft" id="${name}-hint"><small>${hint}</small></p>` : null
}`;
}

/** What a form has just done, shown after its redirect. */
export const doneNote = (text: string | undefined): Html | null =>
  text === undefined ? null : html`<p class="done" role="status">${text}</p>`;
