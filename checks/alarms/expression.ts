import {
  combine,
  FUNCTIONS,
  type MathContext,
  negative,
  pointsOf,
  type Series,
  type Value,
} from './metric-math.ts';

/* Parses and evaluates the text of a metric math expression. */

const TOKEN = /\s*(\d+(?:\.\d+)?|"[^"]*"|[A-Za-z]\w*|==|!=|<=|>=|&&|\|\||[-+*/^<>()[\],])/y;
const WORDS: Readonly<Record<string, string>> = { '&&': 'AND', '||': 'OR' };
/** From the weakest to the strongest. */
const PRECEDENCE: readonly (readonly string[])[] = [
  ['OR'],
  ['AND'],
  ['==', '!=', '<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/'],
  ['^'],
];

/**
 * The time series that an expression makes of an alarm's metrics.
 * @throws Error for anything that CloudWatch does not accept in an alarm, or this evaluator does not know
 */
export function evaluateExpression(expression: string, context: MathContext): Series {
  const parser = new Parser(tokensOf(expression), context);
  const value = parser.binary(0);
  parser.end();
  if (value.kind !== 'series') throw new Error(`${expression} must be one time series`);
  return pointsOf(value);
}

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  const text = expression.trimEnd();
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    const [, token] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw new Error(`${expression} is no metric math from character ${at + 1}`);
    tokens.push(WORDS[token] ?? token);
  }
  return tokens;
}

class Parser {
  readonly #tokens: string[];
  readonly #context: MathContext;

  constructor(tokens: string[], context: MathContext) {
    this.#tokens = tokens;
    this.#context = context;
  }

  binary(level: number): Value {
    const operators = PRECEDENCE[level];
    if (operators === undefined) return this.#unary();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = operators.find((one) => one === this.#tokens[0]);
      if (operator === undefined) return left;
      this.#tokens.shift();
      left = combine(operator, left, this.binary(level + 1));
    }
  }

  end(): void {
    if (this.#tokens.length > 0) throw new Error(`${this.#tokens[0]} is not expected here`);
  }

  #unary(): Value {
    if (this.#tokens[0] !== '-') return this.#primary();
    this.#tokens.shift();
    return negative(this.#unary());
  }

  #primary(): Value {
    const token = this.#tokens.shift() ?? 'the end';
    if (token === '(') return this.#until(')')[0] ?? this.#unknown(token);
    if (token === '[') return { kind: 'array', all: this.#until(']').map(pointsOf) };
    if (/^\d/.test(token)) return { kind: 'scalar', value: Number(token) };
    if (this.#tokens[0] === '(') return this.#call(token);
    const points = this.#context.metrics.get(token) ?? this.#context.results.get(token);
    return points === undefined ? this.#unknown(token) : { kind: 'series', points };
  }

  #call(name: string): Value {
    const run = FUNCTIONS[name] ?? this.#unknown(name);
    this.#tokens.shift();
    if (name === 'METRICS' && this.#tokens[0]?.startsWith('"')) return this.#metricsNamed();
    return run(this.#until(')'), this.#context);
  }

  /** METRICS("part"): the metrics whose id contains the text. */
  #metricsNamed(): Value {
    const part = (this.#tokens.shift() ?? '').slice(1, -1);
    this.#until(')');
    const named = [...this.#context.metrics].filter(([id]) => id.includes(part));
    return { kind: 'array', all: named.map(([, points]) => points) };
  }

  #until(close: string): Value[] {
    const values: Value[] = [];
    while (this.#tokens[0] !== close) {
      values.push(this.binary(0));
      if (this.#tokens[0] === ',') this.#tokens.shift();
      else if (this.#tokens[0] !== close) this.#unknown(this.#tokens[0] ?? 'the end');
    }
    this.#tokens.shift();
    return values;
  }

  #unknown(token: string): never {
    throw new Error(`${token} is neither a metric of the alarm nor a function that this evaluator knows`);
  }
}
