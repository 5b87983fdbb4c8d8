/* Maps a frame of a profile to its part. The paths are those of installed libraries. */

const PARTS = [
  [
    'SDK: signing',
    /@smithy\/signature-v4|\/submodules\/(?:checksum|httpAuthSchemes)\/|node:internal\/crypto|node:crypto/,
  ],
  ['values to attributes and back', /\/lib\/store\/wire\/attributes/],
  [
    'requests and responses in JSON',
    /\/lib\/store\/wire\/protocol|\/submodules\/(?:protocols|schema|serde|cbor)\//,
  ],
  ['HTTP', /node:_?(?:http|net|stream|internal\/streams|internal\/stream_base)|\/lib\/settings\/transport/],
  ['SDK: its other middleware', /node_modules\/@(?:smithy|aws-sdk|aws)\//],
  ['log lines and metrics', /\/lib\/runtime\/output/],
  ['input validation (zod)', /node_modules\/zod\//],
  ['middy', /node_modules\/@middy\//],
  ['our own code', /\/(?:lib|functions)\//],
] as const;

/** Stacks without any of these parts: timers, promises, the program itself. */
const REST = 'Node itself';
const GARBAGE = 'garbage collection';

export interface Frame {
  readonly functionName: string;
  readonly url: string;
}

/**
 * The part of the innermost frame that belongs to a part. Node's work for a library counts for the library.
 * Returns null for idle time and for the profiler itself.
 */
export function partOf(stack: readonly Frame[]): string | null {
  const [leaf] = stack;
  if (leaf?.functionName === '(idle)' || stack.some(({ url }) => url.startsWith('node:inspector')))
    return null;
  if (leaf?.functionName === '(garbage collector)') return GARBAGE;
  for (const { url } of stack) {
    const found = PARTS.find(([, belongs]) => belongs.test(url));
    if (found !== undefined) return found[0];
  }
  return REST;
}
