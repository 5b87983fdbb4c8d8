import { type Account, balanceOf } from './journey.ts';
import type { Operator } from './operator.ts';
import { Fault } from './parts.ts';

/** What a planted fault is looked for with. */
export interface Search {
  readonly operator: Operator;
  readonly account: Account;
}

/** A permission that is taken away, and the step that must then fail. */
export interface Planted {
  /** The logical id of the role or policy. */
  readonly from: string;
  readonly action: string;
  /** The key of the function that is denied the call. Null for the command line. */
  readonly denied: string | null;
  readonly step: string;
  /** @throws Fault as long as the permission is missing */
  readonly run: (search: Search) => Promise<void>;
}

/** Without these, a green run could mean that nothing is enforced. */
export const PLANTED: readonly Planted[] = [
  {
    from: 'BillDashfixDashattemptIamRoleLambdaExecution',
    action: 'dynamodb:UpdateItem',
    denied: 'bill-fix-attempt',
    step: '`smoke`, when it bills a fix',
    run: async ({ operator }) => void (await operator.smoke()),
  },
  {
    from: 'ReconcileIamRoleLambdaExecution',
    action: 'dynamodb:Scan',
    denied: 'reconcile',
    step: '`reconcile`',
    run: async ({ operator }) => void (await operator.run(['reconcile', '--now'])),
  },
  {
    from: 'AdjustDashcreditsIamRoleLambdaExecution',
    action: 'dynamodb:PutItem',
    denied: 'adjust-credits',
    step: '`adjust`, which puts an entry in a transaction',
    run: async ({ operator, account }) =>
      void (await operator.run(['adjust', account.customerId, '1', '--reason', 'planted'])),
  },
  {
    from: 'HealthIamRoleLambdaExecution',
    action: 'dynamodb:GetItem',
    denied: 'health',
    step: '`doctor`, whose request to `/health` fails',
    run: async ({ operator }) => {
      const { verdict } = await operator.doctor();
      if (verdict !== 'fit') throw new Fault(`doctor: ${verdict}`);
    },
  },
  {
    from: 'OperatorPolicy',
    action: 'dynamodb:Query',
    denied: null,
    step: '`customer show` of an operator',
    run: async ({ operator, account }) => void (await balanceOf(operator, account)),
  },
];
