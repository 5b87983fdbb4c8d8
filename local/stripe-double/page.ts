import { html, raw } from 'hono/html';
import { idOf } from './collection.ts';
import type { Double } from './double.ts';

type Html = ReturnType<typeof html>;
/** Text is escaped, markup is not. */
type Part = Html | string | number | null | undefined;

const SHOWN_ROWS = 50;

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 78rem; padding: 1.5rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
p { margin: .3rem 0; } .soft { opacity: .7; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: .3rem .8rem .3rem 0; text-align: left; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: .85em ui-monospace, monospace; }
.bad { color: #c0392b; } .good { color: #1e8449; }
@media (prefers-color-scheme: dark) { .bad { color: #ff8a7a; } .good { color: #7bd88f; } }
`;

/** The double's state for people: no script, and a new copy every few seconds. */
export function statePage(double: Double): Html {
  const { state, clock, deliveries, schedule } = double;
  const { mode } = deliveries;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5">
<title>Stripe double</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<h1>Stripe double</h1>
<p>Its clock says ${moment(clock.nowSeconds)}. ${webhookLine(mode, deliveries.heldCount)}</p>
<p class="soft">Not Stripe: nothing here is real money. The newest ${SHOWN_ROWS} of each kind.</p>
${table(
  'Customers',
  ['Customer', 'Email', 'Name', 'Card on file', 'Balance'],
  state.customers.newestFirst,
  (one) => [
    code(one.id),
    one.email,
    one.name,
    cardOf(double, idOf(one.invoice_settings.default_payment_method)),
    money(one.balance, one.currency ?? 'usd'),
  ],
)}
${table(
  'Payments',
  ['Payment intent', 'Customer', 'Amount', 'Status', 'Why', 'Refunded'],
  state.paymentIntents.newestFirst,
  (one) => [
    code(one.id),
    code(idOf(one.customer)),
    money(one.amount, one.currency),
    status(one.status),
    one.last_payment_error?.decline_code ?? one.last_payment_error?.code,
    refunded(double, idOf(one.latest_charge)),
  ],
)}
${table(
  'Subscriptions',
  ['Subscription', 'Customer', 'Price', 'Status', 'Period ends', 'Cancels'],
  state.subscriptions.newestFirst,
  (one) => [
    code(one.id),
    code(idOf(one.customer)),
    code(one.items.data[0]?.price.lookup_key ?? one.items.data[0]?.price.id ?? null),
    status(one.status),
    moment(one.items.data[0]?.current_period_end),
    moment(one.cancel_at),
  ],
)}
${table(
  'Invoices',
  ['Invoice', 'Customer', 'Reason', 'Total', 'Status', 'Attempts', 'Next attempt'],
  state.invoices.newestFirst,
  (one) => [
    code(one.id),
    code(idOf(one.customer)),
    one.billing_reason,
    money(one.total, one.currency),
    status(one.status ?? ''),
    one.attempt_count,
    moment(one.next_payment_attempt),
  ],
)}
${table('Disputes', ['Dispute', 'Charge', 'Amount', 'Status'], state.disputes.newestFirst, (one) => [
  code(one.id),
  code(idOf(one.charge)),
  money(one.amount, one.currency),
  status(one.status),
])}
${table('Events', ['Event', 'Type', 'Object', 'At', 'Not taken yet by'], state.events.newestFirst, (one) => [
  code(one.id),
  one.type,
  code(one.data.object.id ?? null),
  moment(one.created),
  state.undelivered.get(one.id)?.size ?? 0,
])}
${table(
  'Deliveries',
  ['Event', 'Type', 'To', 'Attempt', 'Answer'],
  deliveries.attempts.toReversed(),
  (one) => [
    code(one.event),
    one.type,
    one.url,
    one.number,
    one.status === null ? html`<span class="bad">${one.error}</span>` : answer(one.status),
  ],
)}
${table(
  'Calls',
  ['Request', 'Call', 'Idempotency key', 'Answer', ''],
  double.calls.all.toReversed(),
  (one) => [
    code(one.requestId),
    `${one.method} ${one.path}`,
    code(one.idempotencyKey),
    one.status === null ? html`<span class="bad">none</span>` : answer(one.status),
    [one.replayed ? 'replayed' : '', one.fault ?? ''].filter((word) => word !== '').join(', '),
  ],
)}
${table('Still to come', ['At', 'What'], schedule.pending, (one) => [moment(one.at), one.what])}
</body>
</html>
`;
}

function table<T>(
  title: string,
  heads: readonly string[],
  rows: readonly T[],
  cells: (row: T) => Part[],
): Html {
  if (rows.length === 0) return html`<h2>${title}</h2><p class="soft">None yet.</p>`;
  const shown = rows.slice(0, SHOWN_ROWS);
  return html`<h2>${title} (${rows.length})</h2>
<div class="scroll" tabindex="0"><table><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>${shown.map((row) => html`<tr>${cells(row).map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

function webhookLine(mode: Double['deliveries']['mode'], held: number): string {
  if (mode.off) return `Webhooks are held back (${held} waiting).`;
  const how = [
    mode.shuffle ? 'shuffled' : '',
    mode.duplicates > 0 ? `${mode.duplicates + 1} times each` : '',
    mode.delayMs > 0 ? `${mode.delayMs} ms late` : '',
  ].filter((word) => word !== '');
  return how.length === 0 ? 'Webhooks go out as things happen.' : `Webhooks go out ${how.join(', ')}.`;
}

const code = (text: string | null): Part => (text === null ? null : html`<code>${text}</code>`);

const money = (amount: number, currency: string): string =>
  new Intl.NumberFormat('en-US', { style: 'currency', currency }).format(amount / 100);

const moment = (seconds: number | null | undefined): string =>
  seconds === null || seconds === undefined
    ? ''
    : `${new Date(seconds * 1_000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

const GOOD = ['succeeded', 'active', 'paid', 'won', 'trialing'];
const BAD = ['requires_payment_method', 'past_due', 'unpaid', 'lost', 'needs_response', 'uncollectible'];

const status = (word: string): Part => {
  if (GOOD.includes(word)) return html`<span class="good">${word}</span>`;
  return BAD.includes(word) ? html`<span class="bad">${word}</span>` : word;
};

const answer = (code: number): Part => html`<span class="${code < 300 ? 'good' : 'bad'}">${code}</span>`;

function cardOf({ state }: Double, methodId: string | null): string {
  const card = state.paymentMethods.find(methodId)?.card;
  return card === undefined ? '' : `${card.brand} ${card.last4}`;
}

function refunded({ state }: Double, chargeId: string | null): string {
  const charge = state.charges.find(chargeId);
  return charge === undefined || charge.amount_refunded === 0
    ? ''
    : money(charge.amount_refunded, charge.currency);
}
