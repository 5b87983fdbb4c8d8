import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isCommitted } from '../support/generated-page.ts';
import { optionsOf, runCheck } from '../support/program.ts';
import { ELSEWHERE } from './elsewhere.ts';
import { FAULTS, type Fault } from './old-rules.ts';

/*
 * Proves that the auditor catches what the service's own checks missed. Each reported money fault is played
 * against the Stripe stand-in twice: with today's rules, and with the old rule patched in.
 */

const USAGE = `npm run check:auditor [-- --write]    each reported fault with its old rule put back: 1 minute

The auditor must name each fault. With today's rules it must say nothing, except where a person must decide.
Needs only the install.
  --write    write docs/checks/auditor.md`;
const PAGE = 'docs/checks/auditor.md';
const CONFIG = 'checks/auditor/vitest.config.ts';

interface Played {
  readonly isNamed: boolean;
  readonly messages: readonly string[];
}

/** Plays the scenarios, or one scenario with its old rule. @returns the auditor's messages by number */
function play(number: number | null): ReadonlyMap<number, readonly string[]> {
  const env = number === null ? process.env : { ...process.env, OLD_RULE: String(number) };
  const { stdout, stderr } = spawnSync('vitest', ['run', '--config', CONFIG], { env, encoding: 'utf8' });
  const proofs = [...stdout.matchAll(/PROOF (\d+) (\[.*\])$/gm)];
  if (proofs.length === 0) console.error(stdout + stderr);
  return new Map(proofs.map(([, of, found]) => [Number(of), messagesIn(found ?? '[]')]));
}

function messagesIn(text: string): string[] {
  const parsed: unknown = JSON.parse(text);
  return Array.isArray(parsed) ? parsed.map(String) : [];
}

function played({ number, says }: Fault): Played {
  const messages = play(number).get(number) ?? [];
  return { messages, isNamed: messages.some((message) => says.test(message)) };
}

/** Removes ids, which differ between runs. */
const withoutIds = (message: string): string =>
  message.replace(/\b(cus|in|pi|pm|price|sub|du|re|evt)_\w+/g, '$1_…').replace(/\b[0-9a-f]{32}\b/g, '…');

const complaints: string[] = [];

function rowOf(fault: Fault, today: readonly string[]): string {
  const { isNamed, messages } = played(fault);
  if (!isNamed) complaints.push(`fault ${fault.number} is not named: ${messages.join('; ')}`);
  const isQuiet = today.length === 0;
  if (!isQuiet && !fault.isForAPerson)
    complaints.push(`fault ${fault.number} with today's rules: ${today.join('; ')}`);
  const named = messages.find((message) => fault.says.test(message)) ?? 'not named';
  const now = isQuiet ? 'nothing' : 'the same: a person must decide';
  console.log(`${isNamed ? 'named    ' : 'NOT NAMED'}  ${fault.number}: ${fault.what}`);
  return `| ${fault.number} | ${fault.what} | ${withoutIds(named)} | ${now} |`;
}

function elsewhereRow({ number, what, file, text }: (typeof ELSEWHERE)[number]): string {
  if (!readFileSync(file, 'utf8').includes(text))
    complaints.push(`fault ${number}: ${file} has no "${text}"`);
  return `| ${number} | ${what} | ${file} | ${text} |`;
}

const { write = false } = optionsOf(USAGE, { write: { type: 'boolean' } });
await runCheck(() => {
  const today = play(null);
  const rows = FAULTS.map((fault) => rowOf(fault, today.get(fault.number) ?? ['it did not run']));
  const page = [
    '# What the auditor names',
    '',
    'Written by `npm run check:auditor -- --write`; do not edit.',
    '',
    'The check plays each fault at the Stripe stand-in twice:',
    "once with the old rule put back into the source, and once with today's rules.",
    'The auditor reads Stripe and the ledger as data and shares no rule with the service.',
    '',
    "| fault | with the old rule | the auditor says | with today's rules |",
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    'Other faults cause no difference in money or account.',
    'These tests catch them:',
    '',
    '| fault | what went wrong | where | test or invariant |',
    '| --- | --- | --- | --- |',
    ...ELSEWHERE.map(elsewhereRow),
    '',
  ].join('\n');
  const isCurrent = isCommitted(PAGE, page, write, 'npm run check:auditor');
  for (const complaint of complaints) console.log(complaint);
  console.log(`${FAULTS.length} faults, ${complaints.length} complaints.`);
  return complaints.length === 0 && isCurrent;
});
