import type { AlarmState } from './alarm-state.ts';

/* The rule of a composite alarm: ALARM(…), OK(…), INSUFFICIENT_DATA(…), TRUE, FALSE, AND, OR, NOT. */

const TOKEN = /\s*([A-Z_]+(?=\s*\()|AND|OR|NOT|TRUE|FALSE|"[^"]*"|[^\s()"]+|[()])/y;
const STATES: ReadonlySet<string> = new Set<AlarmState>(['OK', 'ALARM', 'INSUFFICIENT_DATA']);

/** @throws Error for a rule that is not well formed */
export function compositeState(rule: string, stateOf: (alarm: string) => AlarmState): AlarmState {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < rule.trimEnd().length; at = TOKEN.lastIndex) {
    const [, token] = TOKEN.exec(rule) ?? [];
    if (token === undefined) throw new Error(`${rule} is no rule from character ${at + 1}`);
    tokens.push(token);
  }
  const expect = (wanted: string) => {
    const token = tokens.shift();
    if (token !== wanted) throw new Error(`${rule}: ${wanted} is expected, not ${token}`);
  };
  const either = (): boolean => {
    let holds = both();
    while (tokens[0] === 'OR') {
      tokens.shift();
      const other = both();
      holds = holds || other;
    }
    return holds;
  };
  const both = (): boolean => {
    let holds = one();
    while (tokens[0] === 'AND') {
      tokens.shift();
      const other = one();
      holds = holds && other;
    }
    return holds;
  };
  const one = (): boolean => {
    const token = tokens.shift() ?? 'the end';
    if (token === 'NOT') return !one();
    if (token === 'TRUE' || token === 'FALSE') return token === 'TRUE';
    expectOpening(token);
    if (token === '(') {
      const inner = either();
      expect(')');
      return inner;
    }
    expect('(');
    const alarm = (tokens.shift() ?? '').replace(/^"|"$/g, '').replace(/^arn:.*:alarm:/, '');
    expect(')');
    return stateOf(alarm) === token;
  };
  const expectOpening = (token: string) => {
    if (token !== '(' && !STATES.has(token)) throw new Error(`${rule}: ${token} is not expected`);
  };
  const holds = either();
  if (tokens.length > 0) throw new Error(`${rule}: ${tokens[0]} is not expected`);
  return holds ? 'ALARM' : 'OK';
}
