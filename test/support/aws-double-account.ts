/* The answers of AWS about the account around a stage: what a preflight reads. */

export interface AccountState {
  concurrency: { total: number; unreserved: number };
  /** Reserved concurrency, by function name. */
  reserved: Record<string, number>;
  callerArn: string;
  /** The ARNs of roles, by name. */
  roles: Record<string, string>;
  /** Actions that the deployer may not do. */
  forbidden: Set<string>;
  /** Decisions that depend on the circumstances of a call. */
  undecided: Set<string>;
  logGroups: string[];
  certificate: {
    Status: string;
    SubjectAlternativeNames: string[];
    RenewalSummary?: { RenewalStatus: string };
  } | null;
  domain: { CertificateArn: string; DomainNameStatus: string } | null;
  mappings: { ApiId: string; ApiMappingKey?: string }[];
  /** By region and name. */
  vaults: Record<string, { Locked: boolean }>;
  backupSettings: { optIn: boolean; management: boolean };
  copyJobs: { State: string; CreationDate: number; StatusMessage?: string }[];
}

export const ACCOUNT = '123456789012';
export const API_ID = 'api1';
export const DOMAIN = 'billing.rsolv.dev';
export const CERTIFICATE = `arn:aws:acm:us-east-1:${ACCOUNT}:certificate/1`;

export function healthyAccount(vault: string, now: Date): AccountState {
  return {
    concurrency: { total: 1000, unreserved: 1000 },
    reserved: {},
    callerArn: `arn:aws:sts::${ACCOUNT}:assumed-role/deployer/session`,
    roles: { deployer: `arn:aws:iam::${ACCOUNT}:role/people/deployer` },
    forbidden: new Set(),
    undecided: new Set(),
    logGroups: [],
    certificate: { Status: 'ISSUED', SubjectAlternativeNames: ['*.rsolv.dev'] },
    domain: { CertificateArn: CERTIFICATE, DomainNameStatus: 'AVAILABLE' },
    mappings: [{ ApiId: API_ID }],
    vaults: { [`us-west-2 ${vault}`]: { Locked: true } },
    backupSettings: { optIn: true, management: true },
    copyJobs: [{ State: 'COMPLETED', CreationDate: now.getTime() / 1_000 - 3_600 }],
  };
}

export interface AccountCall {
  readonly operation: string;
  readonly url: URL;
  /** The region that the call was signed for. */
  readonly region: string;
  readonly query: URLSearchParams;
  readonly input: ReadonlyMap<string, unknown>;
}

/** The operation of a REST call, by its path. */
export function accountOperation(path: string): string | null {
  if (/^\/2016-08-19\/account-settings\/?$/.test(path)) return 'GetAccountSettings';
  if (path.endsWith('/concurrency')) return 'GetFunctionConcurrency';
  if (path.endsWith('/apimappings')) return 'GetApiMappings';
  if (path.startsWith('/v2/domainnames/')) return 'GetDomainName';
  if (path.startsWith('/backup-vaults/')) return 'DescribeBackupVault';
  if (path.startsWith('/copy-jobs')) return 'ListCopyJobs';
  return path === '/account-settings' ? 'DescribeRegionSettings' : null;
}

export type AccountAnswer =
  | { readonly json: unknown }
  | { readonly xml: string }
  | { readonly error: string; readonly status: number };

/** Null if the operation is about something else. */
export function accountAnswer(state: AccountState, call: AccountCall): AccountAnswer | null {
  const name = decodeURIComponent(call.url.pathname.split('/')[2] ?? '');
  const missing = (error: string): AccountAnswer => ({ error, status: 404 });
  switch (call.operation) {
    case 'GetAccountSettings': {
      const { total, unreserved } = state.concurrency;
      return {
        json: { AccountLimit: { ConcurrentExecutions: total, UnreservedConcurrentExecutions: unreserved } },
      };
    }
    case 'GetFunctionConcurrency': {
      const found = state.reserved[decodeURIComponent(call.url.pathname.split('/')[3] ?? '')];
      return found === undefined
        ? missing('ResourceNotFoundException')
        : { json: { ReservedConcurrentExecutions: found } };
    }
    case 'DescribeCertificate': {
      const CertificateArn = call.input.get('CertificateArn');
      return state.certificate === null
        ? { error: 'ResourceNotFoundException', status: 400 }
        : { json: { Certificate: { CertificateArn, ...state.certificate } } };
    }
    case 'GetDomainName': {
      if (state.domain === null) return missing('NotFoundException');
      const { CertificateArn, DomainNameStatus } = state.domain;
      return {
        json: {
          domainName: call.url.pathname.split('/')[3],
          domainNameConfigurations: [{ certificateArn: CertificateArn, domainNameStatus: DomainNameStatus }],
        },
      };
    }
    case 'GetApiMappings': {
      const items = state.mappings.map(({ ApiId, ApiMappingKey }) => ({
        apiId: ApiId,
        apiMappingKey: ApiMappingKey,
        stage: '$default',
      }));
      return { json: { items } };
    }
    case 'DescribeBackupVault': {
      const found = state.vaults[`${call.region} ${name}`];
      return found === undefined
        ? { error: 'AccessDeniedException', status: 403 }
        : { json: { BackupVaultName: name, ...found } };
    }
    case 'DescribeRegionSettings':
      return {
        json: {
          ResourceTypeOptInPreference: { DynamoDB: state.backupSettings.optIn },
          ResourceTypeManagementPreference: { DynamoDB: state.backupSettings.management },
        },
      };
    case 'ListCopyJobs': {
      const since = Date.parse(call.url.searchParams.get('createdAfter') ?? '') / 1_000;
      return { json: { CopyJobs: state.copyJobs.filter(({ CreationDate }) => CreationDate >= since) } };
    }
    case 'DescribeLogGroups': {
      const prefix = String(call.input.get('logGroupNamePrefix'));
      const found = state.logGroups.filter((one) => one.startsWith(prefix));
      return { json: { logGroups: found.map((logGroupName) => ({ logGroupName })) } };
    }
    default:
      return identityAnswer(state, call);
  }
}

function identityAnswer(state: AccountState, { operation, query }: AccountCall): AccountAnswer | null {
  switch (operation) {
    case 'GetCallerIdentity':
      return { xml: `<Arn>${state.callerArn}</Arn><Account>${ACCOUNT}</Account>` };
    case 'GetRole': {
      const arn = state.roles[query.get('RoleName') ?? ''];
      return arn === undefined
        ? { error: 'NoSuchEntity', status: 404 }
        : { xml: `<Role><Arn>${arn}</Arn></Role>` };
    }
    case 'SimulatePrincipalPolicy': {
      const results = [...query].flatMap(([key, action]) => {
        if (!key.startsWith('ActionNames.member.')) return [];
        const isUndecided = state.undecided.has(action);
        const decision = isUndecided || state.forbidden.has(action) ? 'implicitDeny' : 'allowed';
        const context = isUndecided ? '<member>aws:RequestTag/team</member>' : '';
        return [
          `<member><EvalActionName>${action}</EvalActionName><EvalDecision>${decision}</EvalDecision>` +
            `<MissingContextValues>${context}</MissingContextValues></member>`,
        ];
      });
      return {
        xml: `<IsTruncated>false</IsTruncated><EvaluationResults>${results.join('')}</EvaluationResults>`,
      };
    }
    default:
      return null;
  }
}
