/** Files of rules that belong to no part, and the checks that cover them instead. */
export const FILES_LEFT_OUT: readonly { readonly files: readonly string[]; readonly why: string }[] = [
  {
    files: ['lib/operations/reconcile/**/*.ts', 'lib/stripe/raw/*.ts', 'lib/store/audit/*.ts'],
    why: "Their tests need many customers. The simulation, the reconciliation's own tests and check:auditor cover them.",
  },
  {
    files: ['lib/stripe/{client,port,sdk}.ts', 'lib/stripe/{client,port}/*.ts'],
    why: "Calls of the SDK, which check:stripe-mock checks against Stripe's description, and types.",
  },
  {
    files: ['lib/operations/documents/*.ts'],
    why: "It only lists Stripe's documents. Its tests over HTTP and check:stripe-mock cover it.",
  },
  {
    files: ['lib/operations/probe/*.ts'],
    why: 'It asks a deployed stage. The tests of its functions cover it, but take seconds per mutant.',
  },
  {
    files: ['lib/stripe/discard.ts'],
    why: 'Without it a connection is not used again, which no answer shows.',
  },
  {
    files: ['lib/stripe/setup/*.ts'],
    why: 'A person runs them and sees the result. The tests of the setup cover them over HTTP.',
  },
  {
    files: ['lib/stripe/verify-signature.ts', 'lib/operations/events/{ignore-thin-event,receive-event}.ts'],
    why: 'The tests over HTTP cover them, but take seconds per mutant.',
  },
  {
    files: ['lib/store/table.ts', 'lib/store/wire/{client,protocol}.ts'],
    why: 'They need an engine, which these tests do not have. check:engines and check:faults cover them.',
  },
];

/**
 * Skips mutants that change only text for people: a text of several words that goes into an error, or is
 * named message or detail. Keys, codes, states and conditions are never skipped, even with blanks: a
 * condition is not a message.
 */

interface Place {
  readonly node: { readonly type: string };
  readonly parentPath: Place | null;
}

/** Reads only the needed properties of Babel's nodes. */
const isText = (node: object): boolean =>
  ('type' in node && node.type === 'TemplateLiteral') ||
  ('type' in node && node.type === 'StringLiteral' && 'value' in node && / /.test(String(node.value)));

const NAMES: ReadonlySet<string> = new Set(['message', 'detail']);

const nameOf = (node: object | null): string | null =>
  node !== null && 'name' in node && typeof node.name === 'string' ? node.name : null;

const inner = (node: object, name: string): object | null => {
  const value: unknown = Reflect.get(node, name);
  return typeof value === 'object' ? value : null;
};

/** Whether only people read the value at this place. */
function isForPeople(place: Place): boolean {
  const { node } = place;
  switch (node.type) {
    case 'NewExpression':
      return /Error$|Fault$/.test(nameOf(inner(node, 'callee')) ?? '');
    case 'VariableDeclarator':
      return NAMES.has(nameOf(inner(node, 'id')) ?? '');
    case 'ObjectProperty':
      return NAMES.has(nameOf(inner(node, 'key')) ?? '');
    case 'BinaryExpression':
    case 'ConditionalExpression':
    case 'LogicalExpression':
      return place.parentPath !== null && isForPeople(place.parentPath);
    default:
      return false;
  }
}

/** `default: return x satisfies never`: the compiler has proved that this line is unreachable. */
function isUnreachable(node: object): boolean {
  if (!('type' in node) || node.type !== 'SwitchCase' || inner(node, 'test') !== null) return false;
  const consequent: unknown = Reflect.get(node, 'consequent');
  const [only, ...more] = Array.isArray(consequent) ? consequent : [];
  if (more.length > 0 || typeof only !== 'object' || only === null) return false;
  const argument = inner(only, 'argument');
  return argument !== null && 'type' in argument && argument.type === 'TSSatisfiesExpression';
}

const leftOut = {
  shouldIgnore(path: Place): string | undefined {
    if (isUnreachable(path.node)) return 'The compiler has proved that this is unreachable.';
    if (!isText(path.node) || path.parentPath === null || !isForPeople(path.parentPath)) return undefined;
    return 'It is text for people; no rule depends on it.';
  },
};

export const strykerPlugins = [{ kind: 'Ignore', name: 'left-out', value: leftOut }];
