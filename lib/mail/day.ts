/* Sums, numbers and days as a person would say them. English, US dollars, UTC. */

const UP_TO_19 = [
  ...[
    'zero',
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
    'twelve',
  ],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'],
];
const TENS = ['', '', 'twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];

const MAX_IN_WORDS = 999_999;

/** 599 → "five hundred ninety-nine". Whole numbers from 0 to 999,999. */
export function numberInWords(n: number): string {
  if (!Number.isInteger(n) || n < 0 || n > MAX_IN_WORDS)
    throw new RangeError(`${n} is not said in words here`);
  if (n < 20) return UP_TO_19[n] ?? '';
  if (n < 100) {
    const tens = TENS[Math.trunc(n / 10)] ?? '';
    return n % 10 === 0 ? tens : `${tens}-${numberInWords(n % 10)}`;
  }
  const [unit, name] = n < 1_000 ? [100, 'hundred'] : [1_000, 'thousand'];
  const whole = `${numberInWords(Math.trunc(n / unit))} ${name}`;
  return n % unit === 0 ? whole : `${whole} ${numberInWords(n % unit)}`;
}

/** 2950 → "twenty-nine dollars and fifty cents". */
export function sumInWords(cents: number): string {
  const dollars = counted(Math.trunc(cents / 100), 'dollar');
  return cents % 100 === 0 ? dollars : `${dollars} and ${counted(cents % 100, 'cent')}`;
}

/** 1, "credit" → "one credit"; 5, "credit" → "five credits"; in figures what nobody says in words. */
export const counted = (n: number, noun: string): string =>
  `${n > MAX_IN_WORDS ? n.toLocaleString('en-US') : numberInWords(n)} ${noun}${n === 1 ? '' : 's'}`;

export const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Node reads its calendars for the first one: 10 ms, which not every start of a function has to take. */
let day: Intl.DateTimeFormat | undefined;

/** "Tuesday, 24 November 2026" */
export function dayInWords(at: Date): string {
  day ??= new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  });
  const parts = new Map(day.formatToParts(at).map(({ type, value }) => [type, value]));
  return `${parts.get('weekday')}, ${parts.get('day')} ${parts.get('month')} ${parts.get('year')}`;
}
