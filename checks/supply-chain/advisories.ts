import * as z from 'zod/mini';
import { type Check, checked } from './check.ts';
import type { Package } from './lock.ts';
import { npmJson } from './npm.ts';

const Severity = z.enum(['info', 'low', 'moderate', 'high', 'critical']);
const Report = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({
      name: z.string(),
      severity: Severity,
      range: z.string(),
      nodes: z.array(z.string()),
      via: z.array(z.union([z.string(), z.looseObject({ title: z.string(), url: z.string() })])),
    }),
  ),
});
const Refused = z.object({ message: z.string() });

const NAME = 'advisories';

/** Known vulnerabilities. A high or critical one in a deployed package fails. The others are reported. */
export function checkAdvisories(packages: readonly Package[]): Check {
  const answer = npmJson('audit');
  const report = Report.safeParse(answer);
  if (!report.success) {
    const refused = Refused.safeParse(answer);
    const reason = refused.success
      ? refused.data.message.replace(/ https?:\S+/, '')
      : 'npm audit returned no report';
    const summary = `advisories are unavailable (${reason}), so vulnerabilities are unknown`;
    return { name: NAME, state: 'not checked', summary, findings: [] };
  }
  const deployed = new Set(packages.filter(({ isRuntime }) => isRuntime).map(({ path }) => path));
  const found = Object.values(report.data.vulnerabilities).map(({ name, severity, range, nodes, via }) => {
    const isDeployed = nodes.some((path) => deployed.has(path));
    const why = via
      .map((cause) => (typeof cause === 'string' ? cause : `${cause.title} ${cause.url}`))
      .join(', ');
    return {
      isGrave: isDeployed && (severity === 'high' || severity === 'critical'),
      text: `${severity}, ${isDeployed ? 'deployed' : 'a tool'}: ${name} ${range} (${why})`,
    };
  });
  const details = found.filter(({ isGrave }) => !isGrave).map(({ text }) => text);
  return checked(
    NAME,
    `${packages.length} packages, ${found.length} with advisories${details.length > 0 ? `; ${details.join('; ')}` : ''}`,
    found.filter(({ isGrave }) => isGrave).map(({ text }) => text),
  );
}
