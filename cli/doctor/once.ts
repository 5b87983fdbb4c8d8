/** Asks once; whoever asks again gets the same answer, or the same failure. */
export function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

/** Asks once about each. */
export function onceEach<A, T>(ask: (about: A) => Promise<T>): (about: A) => Promise<T> {
  const answers = new Map<A, () => Promise<T>>();
  return (about) => {
    const known = answers.get(about) ?? once(() => ask(about));
    answers.set(about, known);
    return known();
  };
}
