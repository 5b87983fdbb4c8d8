const NAMES = new Intl.DateTimeFormat('en-US', { month: 'long', year: 'numeric', timeZone: 'UTC' });

/** 2026-12 → "December 2026" */
export const monthName = (month: string): string => NAMES.format(new Date(`${month}-01T00:00:00.000Z`));
