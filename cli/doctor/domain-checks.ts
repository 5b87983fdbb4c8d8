import {
  type CertificateDetail,
  DescribeCertificateCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-acm';
import { GetApiMappingsCommand, GetDomainNameCommand, NotFoundException } from '@aws-sdk/client-apigatewayv2';
import { type CopyJob, paginateListCopyJobs } from '@aws-sdk/client-backup';
import { isLiveStage } from '../../lib/settings/stripe.ts';
import { type Check, type Finding, ok, wrong } from './check.ts';
import { deploy } from './remedies.ts';
import { absentOnLocalStack, type Site } from './site.ts';
import { deployed } from './stack-checks.ts';

const HOUR_MS = 3_600_000;
/** Backups start and end within a few hours each day: see infrastructure/backup.ts. */
const MAX_COPY_AGE_HOURS = 28;

const absentWithoutDomain = (site: Site): string | null =>
  absentOnLocalStack(site) ?? (site.definition.service.domainName === '' ? 'the stage has no domain' : null);

/** Whether a domain of our own is set. Needs nothing that is deployed. */
export const DOMAIN_SETTING: Check<Site> = {
  id: 'domain-setting',
  title: 'Domain',
  absentReason: absentOnLocalStack,
  run: async ({ definition: { stage, service } }) => {
    const { domainName, certificateArn } = service;
    const where = `of ${stage}, under params in serverless.yml`;
    if (domainName !== '' && certificateArn !== '') return ok(domainName);
    if (domainName !== '') {
      return wrong(`${domainName} has no certificate`, { advice: `Set certificateArn ${where}.` });
    }
    if (!isLiveStage(stage)) return ok(`none, which is enough for ${stage}`);
    return wrong('none: customers and Stripe know an address that a new stack does not have', {
      advice: `Set domainName and certificateArn ${where}: step 4 in docs/operate.md.`,
    });
  },
};

export const CERTIFICATE: Check<Site> = {
  id: 'certificate',
  title: 'Certificate',
  needs: ['domain-setting'],
  absentReason: absentWithoutDomain,
  run: async ({ acm, definition: { service } }) => {
    const { certificateArn: arn, domainName } = service;
    const region = await acm.config.region();
    if (arn.split(':')[3] !== region) {
      return wrong(`${arn} is not in ${region}`, {
        advice: `The gateway uses certificates of its own region only. Request one in ${region}:`,
        command: requestOf(domainName),
      });
    }
    try {
      const { Certificate } = await acm.send(new DescribeCertificateCommand({ CertificateArn: arn }));
      return certificateFinding(Certificate ?? {}, domainName);
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
      return wrong(`there is no certificate ${arn}`, { command: requestOf(domainName) });
    }
  },
};

/** The domain that customers use, its certificate, and the copies of backups outside of the region. */
export const DOMAIN_CHECKS: readonly Check<Site>[] = [
  DOMAIN_SETTING,
  CERTIFICATE,
  {
    id: 'domain',
    title: 'Domain leads to the API',
    needs: ['certificate', 'stack'],
    absentReason: absentWithoutDomain,
    run: domainFinding,
  },
  {
    id: 'copies',
    title: 'Copies of backups',
    needs: ['table', 'stack'],
    absentReason: (site) =>
      absentOnLocalStack(site) ??
      (site.definition.service.copyRegion === '' ? 'the stage has no backup plan' : null),
    run: copiesFinding,
  },
];

const requestOf = (domain: string): string[] => [
  'aws acm request-certificate',
  `--domain-name ${domain}`,
  '--validation-method DNS',
];

/** A wildcard covers one label. */
const covers = (name: string, domain: string): boolean =>
  name === domain || (name.startsWith('*.') && name.slice(1) === domain.slice(domain.indexOf('.')));

function certificateFinding(certificate: CertificateDetail, domain: string): Finding {
  const { CertificateArn: arn, Status: status, SubjectAlternativeNames: names = [] } = certificate;
  const records = {
    advice: 'Add the CNAME records that ACM lists to the DNS of the domain, and leave them there:',
    command: ['aws acm describe-certificate', `--certificate-arn ${arn}`],
  };
  if (status === 'PENDING_VALIDATION') return wrong('not issued yet', records);
  if (status !== 'ISSUED') return wrong(`${status}`, { command: requestOf(domain) });
  if (!names.some((name) => covers(name, domain))) {
    return wrong(`for ${names.join(', ')}, not for ${domain}`, { command: requestOf(domain) });
  }
  const renewal = certificate.RenewalSummary?.RenewalStatus;
  if (renewal === 'FAILED' || renewal === 'PENDING_VALIDATION') {
    return wrong(`not renewed: ${renewal}`, records);
  }
  return ok(`issued, until ${certificate.NotAfter?.toISOString().slice(0, 10) ?? 'its renewal'}`);
}

async function domainFinding(site: Site): Promise<Finding> {
  const { gateway, definition } = site;
  const { domainName, certificateArn } = definition.service;
  const { resources } = await deployed(site);
  try {
    const { DomainNameConfigurations: [configuration] = [] } = await gateway.send(
      new GetDomainNameCommand({ DomainName: domainName }),
    );
    const { DomainNameStatus: status, CertificateArn: used } = configuration ?? {};
    if (used !== certificateArn) return wrong(`uses the certificate ${used}`, deploy(site));
    if (status !== 'AVAILABLE')
      return wrong(`${domainName} is ${status}`, { advice: 'Wait until it is AVAILABLE.' });
    const { Items: mappings = [] } = await gateway.send(
      new GetApiMappingsCommand({ DomainName: domainName }),
    );
    const api = resources.get('HttpApi');
    // A mapping with a key has a path, which no caller uses.
    const isMapped = mappings.some(({ ApiId, ApiMappingKey = '' }) => ApiId === api && ApiMappingKey === '');
    if (!isMapped) return wrong(`${domainName} does not lead to the API ${api}`, deploy(site));
    return ok(`${domainName}, API ${api}`);
  } catch (error) {
    if (!(error instanceof NotFoundException)) throw error;
    return wrong(`the gateway does not know ${domainName}`, deploy(site));
  }
}

/** Whether the newest copy in the other region is recent enough. */
async function copiesFinding(site: Site): Promise<Finding> {
  const { service } = site.definition;
  const table = (await site.table()).TableArn ?? '';
  const since = new Date(site.now().getTime() - MAX_COPY_AGE_HOURS * HOUR_MS);
  const jobs: CopyJob[] = [];
  for await (const page of paginateListCopyJobs(
    { client: site.backup },
    { ByResourceArn: table, ByCreatedAfter: since },
  )) {
    jobs.push(...(page.CopyJobs ?? []));
  }
  const done = jobs.find(({ State }) => State === 'COMPLETED');
  if (done !== undefined) {
    return ok(`in ${service.copyRegion}, ${done.CreationDate?.toISOString() ?? 'today'}`);
  }
  const failed = jobs.find(({ State }) => State === 'FAILED');
  const detail = failed === undefined ? '' : `: ${failed.StatusMessage ?? 'the last one failed'}`;
  return wrong(`none in ${MAX_COPY_AGE_HOURS} hours${detail}`, {
    advice: 'See "Copies in another region" in docs/operate.md.',
    command: ['npx rsolv-billing preflight', `--stage ${site.definition.stage}`],
  });
}
