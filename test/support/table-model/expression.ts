import type { Item } from '../../../lib/store/table.ts';

/*
 * DynamoDB's expression language, as far as the store uses it. An expression is parsed once and evaluated on
 * an item with the request's names and values.
 */

export interface Bindings {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

/** DynamoDB's validation error: the request is invalid. */
export class InvalidExpression extends Error {}

export type Path = readonly (string | number)[];

/** A part of an expression with a value. Undefined if the item has none. */
type Operand = (item: Item, bindings: Bindings) => unknown;
export type Condition = (item: Item, bindings: Bindings) => boolean;
export type Change = (item: Item, before: Item, bindings: Bindings) => void;

export interface Update {
  readonly changes: readonly Change[];
  /** The names and values that the expression mentions. */
  readonly mentions: ReadonlySet<string>;
}

const conditions = new Map<string, { condition: Condition; mentions: ReadonlySet<string> }>();
const updates = new Map<string, Update>();

export function parseCondition(text: string) {
  const known = conditions.get(text);
  if (known !== undefined) return known;
  const parser = new Parser(text);
  const parsed = { condition: parser.whole(() => parser.either()), mentions: parser.mentions };
  conditions.set(text, parsed);
  return parsed;
}

export function parseUpdate(text: string): Update {
  const known = updates.get(text);
  if (known !== undefined) return known;
  const parser = new Parser(text);
  const parsed = { changes: parser.whole(() => parser.update()), mentions: parser.mentions };
  updates.set(text, parsed);
  return parsed;
}

const TOKEN = /\s*(<=|>=|<>|[<>=(),.[\]+-]|[:#]?\w+)/y;

class Parser {
  readonly mentions = new Set<string>();
  readonly #tokens: string[] = [];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    const end = text.trimEnd().length;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < end) {
      const token = TOKEN.exec(text)?.[1];
      if (token === undefined) throw new InvalidExpression(`cannot read ${text}`);
      this.#tokens.push(token);
    }
  }

  whole<T>(parse: () => T): T {
    const parsed = parse();
    if (this.#peek() !== '') throw this.#wrong();
    return parsed;
  }

  either(): Condition {
    const left = this.#both();
    if (!this.#takes('OR')) return left;
    const right = this.either();
    return (item, bindings) => left(item, bindings) || right(item, bindings);
  }

  update(): Change[] {
    const sets: Change[] = [];
    const removes: { path: Bound; order: number }[] = [];
    const adds: Change[] = [];
    while (this.#peek() !== '') {
      if (this.#takes('SET')) this.#list(() => sets.push(this.#set()));
      else if (this.#takes('REMOVE'))
        this.#list(() => removes.push({ path: this.#path(), order: removes.length }));
      else if (this.#takes('ADD')) this.#list(() => adds.push(this.#add()));
      else throw this.#wrong();
    }
    const remove: Change = (item, _, bindings) => {
      const paths = removes.map(({ path }) => path(bindings));
      // Removes from the end of a list first, so that the other indexes stay valid.
      for (const path of paths.toSorted((a, b) => Number(b.at(-1)) - Number(a.at(-1)) || 0))
        removeAt(item, path);
    };
    return [...sets, ...adds, ...(removes.length > 0 ? [remove] : [])];
  }

  #both(): Condition {
    const left = this.#primary();
    if (!this.#takes('AND')) return left;
    const right = this.#both();
    return (item, bindings) => left(item, bindings) && right(item, bindings);
  }

  #primary(): Condition {
    if (this.#takes('NOT')) {
      const inner = this.#primary();
      return (item, bindings) => !inner(item, bindings);
    }
    if (this.#takes('(')) {
      const inner = this.either();
      this.#expect(')');
      return inner;
    }
    switch (this.#peek()) {
      case 'attribute_exists':
        return this.#about((value) => value !== undefined);
      case 'attribute_not_exists':
        return this.#about((value) => value === undefined);
      case 'begins_with': {
        this.#next();
        this.#expect('(');
        const value = this.#operand();
        this.#expect(',');
        const prefix = this.#operand();
        this.#expect(')');
        return (item, bindings) => {
          const [a, b] = [value(item, bindings), prefix(item, bindings)];
          return typeof a === 'string' && typeof b === 'string' && a.startsWith(b);
        };
      }
      default:
        return this.#comparison();
    }
  }

  #about(test: (value: unknown) => boolean): Condition {
    this.#next();
    this.#expect('(');
    const path = this.#path();
    this.#expect(')');
    return (item, bindings) => test(valueAt(item, path(bindings)));
  }

  #comparison(): Condition {
    const left = this.#operand();
    if (this.#takes('BETWEEN')) {
      const low = this.#operand();
      this.#expect('AND');
      const high = this.#operand();
      return (item, bindings) => {
        const value = left(item, bindings);
        return compare(low(item, bindings), value, '<=') && compare(value, high(item, bindings), '<=');
      };
    }
    if (this.#takes('IN')) {
      const options: Operand[] = [];
      this.#expect('(');
      this.#list(() => options.push(this.#operand()));
      this.#expect(')');
      return (item, bindings) => {
        const value = left(item, bindings);
        return options.some((option) => compare(value, option(item, bindings), '='));
      };
    }
    const sign = this.#next();
    if (!isSign(sign)) throw this.#wrong();
    const right = this.#operand();
    return (item, bindings) => compare(left(item, bindings), right(item, bindings), sign);
  }

  #set(): Change {
    const path = this.#path();
    this.#expect('=');
    const value = this.#sum();
    return (item, before, bindings) => setAt(item, path(bindings), value(before, bindings));
  }

  #add(): Change {
    const path = this.#path();
    const value = this.#operand();
    return (item, before, bindings) => {
      const at = path(bindings);
      const present = valueAt(before, at) ?? 0;
      const more = value(before, bindings);
      if (typeof present !== 'number' || typeof more !== 'number')
        throw new InvalidExpression('ADD needs numbers');
      setAt(item, at, present + more);
    };
  }

  #sum(): Operand {
    const left = this.#operand();
    const sign = this.#takes('+') ? 1 : this.#takes('-') ? -1 : 0;
    if (sign === 0) return left;
    const right = this.#operand();
    return (item, bindings) => {
      const [a, b] = [left(item, bindings), right(item, bindings)];
      if (typeof a !== 'number' || typeof b !== 'number') throw new InvalidExpression('a sum needs numbers');
      return a + sign * b;
    };
  }

  #operand(): Operand {
    const token = this.#peek();
    if (token.startsWith(':')) {
      const name = this.#next();
      this.mentions.add(name);
      return (_, { values }) => {
        if (!Object.hasOwn(values, name)) throw new InvalidExpression(`${name} is not given`);
        return values[name];
      };
    }
    switch (token) {
      case 'size': {
        this.#next();
        this.#expect('(');
        const path = this.#path();
        this.#expect(')');
        return (item, bindings) => sizeOf(valueAt(item, path(bindings)));
      }
      case 'if_not_exists': {
        this.#next();
        this.#expect('(');
        const path = this.#path();
        this.#expect(',');
        const other = this.#operand();
        this.#expect(')');
        return (item, bindings) => valueAt(item, path(bindings)) ?? other(item, bindings);
      }
      case 'list_append': {
        this.#next();
        this.#expect('(');
        const first = this.#operand();
        this.#expect(',');
        const second = this.#operand();
        this.#expect(')');
        return (item, bindings) => {
          const [a, b] = [first(item, bindings), second(item, bindings)];
          if (!Array.isArray(a) || !Array.isArray(b))
            throw new InvalidExpression('list_append needs two lists');
          return [...a, ...b];
        };
      }
      default: {
        const path = this.#path();
        return (item, bindings) => valueAt(item, path(bindings));
      }
    }
  }

  #path(): Bound {
    const parts: (string | number)[] = [this.#name()];
    for (;;) {
      if (this.#takes('.')) parts.push(this.#name());
      else if (this.#takes('[')) {
        parts.push(Number(this.#next()));
        this.#expect(']');
      } else break;
    }
    return ({ names }) =>
      parts.map((part) => {
        if (typeof part === 'number' || !part.startsWith('#')) return part;
        const name = names[part];
        if (name === undefined) throw new InvalidExpression(`${part} is not given`);
        return name;
      });
  }

  #name(): string {
    const name = this.#next();
    if (!/^#?\w+$/.test(name)) throw this.#wrong();
    if (name.startsWith('#')) this.mentions.add(name);
    return name;
  }

  #list(parse: () => void): void {
    do parse();
    while (this.#takes(','));
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #next(): string {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }

  #takes(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) throw this.#wrong();
  }

  #wrong(): InvalidExpression {
    return new InvalidExpression(`unexpected ${this.#peek() || 'end'} in ${this.#text}`);
  }
}

type Bound = (bindings: Bindings) => Path;
type Sign = '=' | '<>' | '<' | '<=' | '>' | '>=';
const SIGNS: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);
const isSign = (token: string): token is Sign => SIGNS.has(token);

export function valueAt(item: Item, path: Path): unknown {
  let value: unknown = item;
  for (const part of path) {
    if (typeof part === 'number') value = Array.isArray(value) ? value[part] : undefined;
    else value = isMap(value) && Object.hasOwn(value, part) ? value[part] : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}

function setAt(item: Item, path: Path, value: unknown): void {
  if (value === undefined) throw new InvalidExpression('the source of SET does not exist');
  const last = path.at(-1);
  const parent = path.length === 1 ? item : valueAt(item, path.slice(0, -1));
  if (typeof last === 'number' && Array.isArray(parent)) {
    // An index beyond the end appends to the list.
    parent[Math.min(last, parent.length)] = value;
  } else if (typeof last === 'string' && isMap(parent)) parent[last] = value;
  else throw new InvalidExpression(`no value at ${path.join('.')}`);
}

function removeAt(item: Item, path: Path): void {
  const last = path.at(-1);
  const parent = path.length === 1 ? item : valueAt(item, path.slice(0, -1));
  if (typeof last === 'number' && Array.isArray(parent)) parent.splice(last, 1);
  else if (typeof last === 'string' && isMap(parent)) delete parent[last];
}

function compare(a: unknown, b: unknown, sign: Sign): boolean {
  if (sign === '=') return a !== undefined && b !== undefined && isSame(a, b);
  if (sign === '<>') return !isSame(a, b);
  const order = orderOf(a, b);
  if (order === null) return false;
  switch (sign) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return sign satisfies never;
  }
}

/** Null for values without an order: unsupported types, or two different types. */
function orderOf(a: unknown, b: unknown): number | null {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return null;
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, i) => isSame(value, b[i]));
  }
  if (!isMap(a) || !isMap(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]))
  );
}

function sizeOf(value: unknown): number | undefined {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  return isMap(value) ? Object.keys(value).length : undefined;
}

const isMap = (value: unknown): value is Item =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
