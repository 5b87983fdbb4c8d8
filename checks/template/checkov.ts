import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { SetupError } from '../../lib/settings/setup-error.ts';
import { pythonPackages } from '../support/python-packages.ts';
import { DISMISSALS, type Dismissal } from './dismissals.ts';

/** Nothing listens there: checkov reads files and asks no server. */
const CLOSED_PORT = 'http://127.0.0.1:9';
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

const Finding = z.object({
  check_id: z.string(),
  check_name: z.string(),
  file_path: z.string(),
  /** Type and logical id. */
  resource: z.string(),
});
export type Finding = z.output<typeof Finding>;

const Report = z.object({
  results: z.object({ failed_checks: z.array(Finding), parsing_errors: z._default(z.array(z.string()), []) }),
  summary: z.object({ passed: z.number(), parsing_errors: z.number() }),
});

/** Runs checkov over the templates. Returns how many findings no dismissal names, and prints each. */
export function checkovFaults(templates: readonly string[]): number {
  const { results, summary } = scan(templates);
  if (summary.passed === 0 || summary.parsing_errors > 0)
    throw new SetupError('checkov could not read the templates.', results.parsing_errors);
  const faults = faultsOf(results.failed_checks, DISMISSALS);
  for (const fault of faults) console.log(fault);
  console.log(
    `checkov: ${summary.passed} checks passed, ` +
      `${results.failed_checks.length} findings under ${DISMISSALS.length} dismissals`,
  );
  return faults.length;
}

/** A line for each finding that no dismissal names, and for each part of a dismissal that names no finding. */
export function faultsOf(findings: readonly Finding[], dismissals: readonly Dismissal[]): string[] {
  const open = findings.filter((one) => !dismissals.some((dismissal) => names(dismissal, one)));
  const unused = dismissals.flatMap(({ rule, on }) =>
    on
      .filter((target) => !findings.some((one) => one.check_id === rule && isOn(target, one)))
      .map((target) => `checkov no longer finds ${rule} on ${target}: remove it from dismissals.ts`),
  );
  return [
    ...open.map((one) => `checkov ${one.check_id} on ${one.resource}: ${one.check_name} (${one.file_path})`),
    ...unused,
  ];
}

const names = ({ rule, on }: Dismissal, finding: Finding): boolean =>
  finding.check_id === rule && on.some((target) => isOn(target, finding));

const isOn = (target: string, { resource }: Finding): boolean =>
  target.includes('::') ? resource.startsWith(`${target}.`) : resource.endsWith(`.${target}`);

/** @throws SetupError if checkov does not run */
function scan(templates: readonly string[]): z.output<typeof Report> {
  const folder = pythonPackages('checkov', 'checks/template/requirements-checkov.txt');
  const files = templates.flatMap((file) => ['--file', file]);
  const options = ['--framework', 'cloudformation', '--output', 'json', '--quiet', '--skip-download'];
  const { stdout, stderr, error } = spawnSync(
    'python3',
    [join(folder, 'bin', 'checkov'), ...files, ...options],
    {
      encoding: 'utf8',
      maxBuffer: MAX_OUTPUT_BYTES,
      env: { ...process.env, PYTHONPATH: folder, HTTPS_PROXY: CLOSED_PORT },
    },
  );
  if (error !== undefined || !stdout.startsWith('{'))
    throw new SetupError('checkov failed:', [error?.message ?? '', ...stderr.split('\n').slice(-5)]);
  return Report.parse(JSON.parse(stdout));
}
