import type { PullRequestName } from '../domain/notices/money-content.ts';
import { lookUp } from '../look-up.ts';
import type { Link } from './letter.ts';

/* Phrases and names that several letters use. */

/** 1 → "1 credit", 1,060 → "1,060 credits". */
export const credits = (count: number): string => counted(count, 'credit');

export const counted = (count: number, thing: string): string =>
  `${count.toLocaleString('en-US')} ${thing}${count === 1 ? '' : 's'}`;

/**
 * Text from callers in a letter. A zero-width space after each dot, colon and @ keeps mail programs from
 * making a link of it. Direction marks and line breaks are removed.
 */
export const callerText = (text: string): string =>
  text
    .replace(/\p{Bidi_Control}/gu, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[.:@]/g, (mark) => `${mark}\u200b`);

/** "acme/webshop, pull request 42". */
export const pullRequestText = ({ repo, prNumber }: PullRequestName): string =>
  `${callerText(repo)}, pull request ${prNumber}`;

/** What GitHub allows in names. Anything else gets no link. */
const REPO = /^[A-Za-z0-9][A-Za-z0-9_-]{0,98}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/;

/** The pull request on GitHub; empty if the names are not what GitHub allows. */
export const pullRequestLink = ({ repo, prNumber }: PullRequestName): readonly Link[] =>
  REPO.test(repo)
    ? [{ label: `Pull request ${prNumber}`, url: `https://github.com/${repo}/pull/${prNumber}` }]
    : [];

/** The bank's reason, if it helps the reader. A bank's suspicion is not passed on. */
const DECLINES: Readonly<Record<string, string>> = {
  insufficient_funds: 'There were not enough funds.',
  expired_card: 'The card has expired.',
  incorrect_cvc: 'The security code was wrong.',
  card_velocity_exceeded: 'The card has reached its limit.',
  processing_error: "The bank's systems made an error.",
  authentication_required: 'The bank asks you to confirm the payment yourself.',
};

export const declineText = (code: string | null): string =>
  lookUp(DECLINES, code ?? '') ?? 'The bank did not say why.';
