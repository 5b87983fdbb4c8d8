import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { balanceWarning, fixBlocked } from '../../../lib/domain/notice.ts';
import { accountClosed } from '../../../lib/domain/notices/account-notices.ts';
import type { FixObstacle } from '../../../lib/domain/payments/charge-obstacles.ts';
import { monthOf, noSpending } from '../../../lib/domain/payments/spending.ts';
import { probeCustomerEmail } from '../../../lib/domain/test-customer.ts';
import { MailFault } from '../../../lib/mail/port.ts';
import { openSes } from '../../../lib/mail/ses.ts';
import { openLetterLink } from '../../../lib/operations/access/letter-link.ts';
import { issueKey } from '../../../lib/operations/accounts/api-keys.ts';
import { onboardCustomer } from '../../../lib/operations/accounts/onboard-customer.ts';
import { adjustCredits } from '../../../lib/operations/ledger/adjust-credits.ts';
import { changeNoticeSettings } from '../../../lib/operations/notices/change-settings.ts';
import { deliverNotice, type MailDeps } from '../../../lib/operations/notices/deliver-notice.ts';
import { deliverStored } from '../../../lib/operations/notices/deliver-stored.ts';
import { resendNotice } from '../../../lib/operations/notices/resend-notice.ts';
import { warnLowBalances } from '../../../lib/operations/notices/warn-low-balances.ts';
import type { BusinessEvent } from '../../../lib/runtime/business-events.ts';
import { markClosingDone, openClosing } from '../../../lib/store/closing.ts';
import { keys, type NoticeName } from '../../../lib/store/keys.ts';
import { putNotice } from '../../../lib/store/notices.ts';
import { writeTogether } from '../../../lib/store/table.ts';
import type { MailboxServer } from '../../../local/mailbox/server.ts';
import { contentsOf } from '../../support/contents.ts';
import { markClosed } from '../../support/customers.ts';
import { middlewareOf } from '../../support/documents.ts';
import { customerWith, newFix, range } from '../../support/fixtures.ts';
import { startTestMailbox } from '../../support/mailbox.ts';
import { noticesOf, slowMail, unsentOf } from '../../support/notices.ts';
import { setHead } from '../../support/set-head.ts';
import { beforeTableCall, countingCalls, openTestTable, testDeps, throughSdk } from '../../support/table.ts';

/* Delivery over HTTP, to a stand-in for Amazon SES that keeps its messages. */

let deps: MailDeps & ReturnType<typeof testDeps>;
let post: MailboxServer;
beforeAll(async () => {
  post = await startTestMailbox();
  const table = await openTestTable();
  const mail = openSes({ ...process.env, AWS_ENDPOINT_URL_SESV2: post.url }, 'billing@rsolv.dev');
  deps = { ...testDeps(table), mail, appUrl: 'https://app.rsolv.dev', apiUrl: 'https://api.rsolv.dev' };
  return () => post.stop();
});
beforeEach(() => post.mailbox.refuse(0));

/** A customer with a notice of a new key. */
async function told(): Promise<NoticeName & { readonly email: string }> {
  const { head } = await customerWith(deps, 5);
  const { keyId } = await issueKey(deps, head.customerId);
  return { customerId: head.customerId, kind: 'key_issued', id: keyId, email: head.email };
}

const lettersTo = (email: string) => post.mailbox.newestFirst.filter(({ to }) => to === email);
/** The sort keys of a customer's items of a kind. */
const sortKeysOf = async (customerId: string, kind: RegExp): Promise<string[]> =>
  (await contentsOf(deps.table))
    .filter(({ pk }) => pk === keys.customer(customerId))
    .map(({ sk }) => String(sk))
    .filter((sk) => kind.test(sk));
const stateOf = async ({ customerId, id }: NoticeName) =>
  (await noticesOf(deps, customerId)).find((notice) => notice.id === id);

describe('a notice', () => {
  it('a notice is sent to its customer in text and HTML, and then is no longer due', async () => {
    const name = await told();
    expect(await deliverNotice(deps, name)).toBe('sent');
    const [letter, ...others] = lettersTo(name.email);
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      from: 'billing@rsolv.dev',
      subject: 'A new API key for your RSOLV account',
      kind: 'key_issued',
    });
    expect(letter?.text).toContain('Hello Acme,');
    expect(letter?.html).toContain('Hello Acme,');
    expect(await stateOf(name)).toMatchObject({ state: 'sent', attempts: 1, messageId: letter?.id });
    const unsent = await unsentOf(deps.table, new Date());
    expect(unsent.filter(({ id }) => id === name.id)).toEqual([]);
  });

  it('a letter about a missing card has a button that adds one, and the table holds only a hash of its link', async () => {
    const { head } = await customerWith(deps, 0);
    const blocked = fixBlocked(head, { ...newFix(1), id: 'f1' }, 'no_billing_info', new Date());
    await writeTogether(deps.table, [putNotice(blocked)]);
    const name = { customerId: head.customerId, kind: 'fix_blocked', id: blocked.id } as const;
    expect(await deliverNotice(deps, name)).toBe('sent');
    const [letter] = lettersTo(head.email);
    expect(letter?.html).toContain('>Add a card</a>');
    const [, token = ''] =
      /https:\/\/api\.rsolv\.dev\/billing\/letter\?link=([\w.-]+)/.exec(letter?.text ?? '') ?? [];
    expect(await openLetterLink(deps, token)).toMatchObject({ purpose: { kind: 'add_card' } });
    expect(JSON.stringify(await contentsOf(deps.table))).not.toContain(token.split('.')[1]);
    const inWeeks = { ...deps, now: () => new Date(Date.now() + 7 * 24 * 60 * 60 * 1_000) };
    await expect(openLetterLink(inWeeks, token)).rejects.toMatchObject({ code: 'link_not_valid' });
  });

  it('a letter about a missing card leads to the page of cards if the account is closed while it is written', async () => {
    const { head } = await customerWith(deps, 0);
    const { customerId, id, ...rest } = fixBlocked(
      head,
      { ...newFix(1), id: 'f1' },
      'no_billing_info',
      new Date(),
    );
    await writeTogether(deps.table, [putNotice({ customerId, id, ...rest })]);
    // The first write claims the notice, and the second one stores the link.
    const table = beforeTableCall(deps.table, 'TransactWrite', async (nth) => {
      if (nth === 2) await markClosed(deps, customerId);
    });
    expect(await deliverNotice({ ...deps, table }, { customerId, kind: 'fix_blocked', id })).toBe('sent');
    expect(lettersTo(head.email)[0]?.text).toContain('https://api.rsolv.dev/billing/card');
  });

  it('a letter about another key makes no link that signs in or does a task', async () => {
    const name = await told();
    expect(await deliverNotice(deps, name)).toBe('sent');
    expect(await sortKeysOf(name.customerId, /LINK#/)).toEqual([]);
  });

  it('the welcome letter has a link that confirms its address, unless the address is confirmed', async () => {
    for (const isConfirmed of [false, true]) {
      const { head, keyId } = await customerWith(deps, 5);
      const { customerId } = head;
      if (isConfirmed) await setHead(deps.table, customerId, 'email_state', 'confirmed');
      expect(await deliverNotice(deps, { customerId, kind: 'key_issued', id: keyId })).toBe('sent');
      const { text = '' } = lettersTo(head.email)[0] ?? {};
      expect(text.includes('Confirm this address')).toBe(!isConfirmed);
      expect(text.includes('https://api.rsolv.dev/billing/enter?link=')).toBe(!isConfirmed);
      expect(await sortKeysOf(customerId, /LINK#/)).toHaveLength(isConfirmed ? 0 : 1);
    }
  });

  it('the letter about a failed renewal has a button that pays its invoice without signing in', async () => {
    const { head } = await customerWith(deps, 0);
    const unpaid = { invoiceId: 'in_1', invoiceNumber: 'RSOLV-0001', amountCents: 59_900, rateEndsAt: null };
    const content = { kind: 'renewal_approval', ...unpaid } as const;
    const name = { customerId: head.customerId, kind: 'renewal_approval', id: 'in_1' } as const;
    const notice = { customerId: head.customerId, id: 'in_1', createdAt: new Date().toISOString(), content };
    await writeTogether(deps.table, [putNotice(notice)]);
    expect(await deliverNotice(deps, name)).toBe('sent');
    const [, token = ''] = /billing\/letter\?link=([\w.-]+)/.exec(lettersTo(head.email)[0]?.text ?? '') ?? [];
    const purpose = { kind: 'pay_invoice', invoiceId: 'in_1' };
    expect(await openLetterLink(deps, token)).toMatchObject({ purpose });
  });

  it('a notice that the stream delivers twice is sent once, in sequence or concurrently', async () => {
    const name = await told();
    const outcomes = await Promise.all(range(1, 6).map(() => deliverNotice(deps, name)));
    expect(outcomes.filter((one) => one === 'sent')).toHaveLength(1);
    expect(await deliverNotice(deps, name)).toBe('already');
    expect(lettersTo(name.email)).toHaveLength(1);
  });

  it('a notice whose claim was written but not confirmed is not blocked by its own claim', async () => {
    const name = await told();
    let isLost = false;
    const table = await throughSdk(deps.table);
    middlewareOf(table).add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args);
          if (isLost || commandName === 'BatchGetItemCommand') return answer;
          isLost = true;
          throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
        },
      { step: 'finalizeRequest', priority: 'low' },
    );
    expect(await deliverNotice({ ...deps, table }, name)).toBe('sent');
    expect(isLost).toBe(true);
    expect(lettersTo(name.email)).toHaveLength(1);
    expect(await stateOf(name)).toMatchObject({ state: 'sent', attempts: 1 });
  });

  it('a notice that another delivery is sending does not count as sent', async () => {
    const name = await told();
    const slow = new Promise<string>(() => {});
    void deliverNotice({ ...deps, mail: { send: () => slow } }, name);
    await expect.poll(async () => (await stateOf(name))?.state).toBe('sending');
    expect(await deliverNotice(deps, name)).toBe('taken');
    expect(lettersTo(name.email)).toEqual([]);
  });

  it('a stream record whose notice another delivery is sending fails, so that the stream repeats it', async () => {
    const { customerId, kind, id } = await told();
    const { mail, reached, answer } = slowMail();
    const first = deliverNotice({ ...deps, mail }, { customerId, kind, id });
    await reached;
    const reported: BusinessEvent[] = [];
    const { pk, sk } = keys.notice(customerId, kind, id);
    const record = { pk: { S: pk }, sk: { S: sk } };
    const reporting = { ...deps, report: (event: BusinessEvent) => reported.push(event) };
    const error = 'another delivery is in flight';
    await expect(deliverStored(reporting, record)).rejects.toThrow(error);
    answer.resolve('m1');
    expect(await first).toBe('sent');
    await deliverStored(reporting, record);
    const facts = { customerId, noticeKind: kind, noticeId: id };
    expect(reported).toEqual([
      { kind: 'notice_not_delivered', ...facts, error: new Error(error) },
      { kind: 'notice_delivered', ...facts, outcome: 'already' },
    ]);
  });

  it('a stream record without a key fails, and is reported without facts', async () => {
    const reported: BusinessEvent[] = [];
    const reporting = { ...deps, report: (event: BusinessEvent) => reported.push(event) };
    const error = 'this release does not know this kind of notice';
    await expect(deliverStored(reporting, {})).rejects.toThrow(error);
    const facts = { customerId: '', noticeKind: '', noticeId: '' };
    expect(reported).toEqual([{ kind: 'notice_not_delivered', ...facts, error: new Error(error) }]);
  });

  it('a notice of an abandoned delivery is sent by the next one, after a while', async () => {
    const name = await told();
    const slow = new Promise<string>(() => {});
    void deliverNotice({ ...deps, mail: { send: () => slow } }, name);
    await expect.poll(async () => (await stateOf(name))?.state).toBe('sending');
    const later = { ...deps, now: () => new Date(Date.now() + 121_000) };
    expect(await deliverNotice(later, name)).toBe('sent');
    expect(lettersTo(name.email)).toHaveLength(1);
  });

  it('a rejected notice stores the reason, without the address, and the next delivery sends it', async () => {
    const name = await told();
    post.mailbox.refuse(2);
    for (const attempts of [1, 2]) {
      await expect(deliverNotice(deps, name)).rejects.toThrow('AccountSuspendedException');
      expect(await stateOf(name)).toMatchObject({
        state: 'failed',
        attempts,
        failure: 'AccountSuspendedException',
      });
    }
    expect(await unsentOf(deps.table, new Date())).toContainEqual(expect.objectContaining({ id: name.id }));
    expect(await deliverNotice(deps, name)).toBe('sent');
    expect(await stateOf(name)).toMatchObject({ state: 'sent', attempts: 3, failure: null });
  });

  it('a notice waits within the same delivery while the mail service is busy', async () => {
    const name = await told();
    let refusals = 5;
    const busy: MailDeps['mail'] = {
      send: (mail) => {
        refusals -= 1;
        if (refusals >= 0) return Promise.reject(new MailFault('TooManyRequestsException', true));
        return deps.mail.send(mail);
      },
    };
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    expect(await deliverNotice({ ...deps, mail: busy, sleep, random: () => 1 }, name)).toBe('sent');
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000]);
    expect(lettersTo(name.email)).toHaveLength(1);
    expect(await stateOf(name)).toMatchObject({ state: 'sent', attempts: 1 });
  });

  it('a delivery does not wait longer than its function may run', async () => {
    const name = await told();
    let nowMs = Date.now();
    const busy: MailDeps['mail'] = {
      send: () => Promise.reject(new MailFault('TooManyRequestsException', true)),
    };
    const sleep = async (ms: number) => {
      nowMs += ms;
    };
    const startedMs = nowMs;
    const late = { ...deps, mail: busy, sleep, random: () => 1, now: () => new Date(nowMs) };
    await expect(deliverNotice(late, name)).rejects.toThrow('TooManyRequestsException');
    expect(nowMs - startedMs).toBeLessThan(40_000);
    expect(await stateOf(name)).toMatchObject({ state: 'failed', failure: 'TooManyRequestsException' });
  });

  it('a notice that was given up can be put into the stream again; a sent one cannot', async () => {
    const name = await told();
    post.mailbox.refuse(1);
    await expect(deliverNotice(deps, name)).rejects.toThrow();
    expect(await resendNotice(deps, name)).toBe(true);
    expect(await stateOf(name)).toMatchObject({ state: 'pending' });
    expect(await deliverNotice(deps, name)).toBe('sent');
    expect(await resendNotice(deps, name)).toBe(false);
    await expect(resendNotice(deps, { ...name, id: 'nothing' })).rejects.toMatchObject({
      code: 'notice_not_found',
    });
  });

  it('a notice that its customer has turned off is not sent, by the setting at delivery', async () => {
    const { head } = await customerWith(deps, 6);
    const { customerId } = head;
    await adjustCredits(deps, customerId, { amount: -2, reason: 't', actor: 't', idempotencyKey: 'a' });
    await warnLowBalances(deps);
    const [warning] = await noticesOf(deps, customerId);
    await changeNoticeSettings(deps, customerId, ['low_balance']);
    const name: NoticeName = { customerId, kind: 'low_balance', id: warning?.id ?? '' };
    expect(await deliverNotice(deps, name)).toBe('muted');
    expect(await deliverNotice(deps, name)).toBe('already');
    expect(lettersTo(head.email)).toEqual([]);
  });

  it('a notice to a customer of the probe is not sent, because no one reads it', async () => {
    const email = probeCustomerEmail(deps.randomBytes(8));
    const { head, keyId } = await onboardCustomer(deps, { name: 'Probe', email, source: 'probe' });
    const { customerId } = head;
    expect(await deliverNotice(deps, { customerId, kind: 'key_issued', id: keyId })).toBe('muted');
    // Its closing keeps the address.
    await markClosed(deps, customerId);
    const closed = accountClosed({ customerId, balance: 0 }, deps.now());
    await writeTogether(deps.table, [openClosing(customerId, email, deps.now()), putNotice(closed)]);
    expect(await deliverNotice(deps, { customerId, kind: 'account_closed', id: closed.id })).toBe('muted');
    expect(lettersTo(email)).toEqual([]);
  });

  it('a notice of a closed account is not sent, and one of two deliveries mutes it', async () => {
    const name = await told();
    await markClosed(deps, name.customerId);
    const table = beforeTableCall(deps.table, 'TransactWrite', async (nth) => {
      if (nth === 1) expect(await deliverNotice(deps, name)).toBe('muted');
    });
    expect(await deliverNotice({ ...deps, table }, name)).toBe('taken');
    expect(await deliverNotice(deps, name)).toBe('already');
    expect(lettersTo(name.email)).toEqual([]);
  });

  it('the letter about a closing goes to the address that the closing keeps until it is done', async () => {
    for (const isDone of [false, true]) {
      const { customerId, email } = await told();
      await markClosed(deps, customerId);
      const closed = accountClosed({ customerId, balance: 0 }, deps.now());
      await writeTogether(deps.table, [openClosing(customerId, email, deps.now()), putNotice(closed)]);
      if (isDone) await markClosingDone(deps.table, customerId);
      const name = { customerId, kind: 'account_closed', id: closed.id } as const;
      expect(await deliverNotice(deps, name)).toBe(isDone ? 'muted' : 'sent');
      expect(lettersTo(email).map(({ subject }) => subject)).toEqual(
        isDone ? [] : ['Your RSOLV account is closed'],
      );
    }
  });
});

describe('no credits left, and fixes that wait', () => {
  const DAY_MS = 24 * 60 * 60 * 1000;

  /** Delivers notices of one customer and one raise, in this order. Returns the outcome of each. */
  async function outcomes(...made: readonly ('no card' | 'charged' | FixObstacle)[]) {
    const { head } = await customerWith(deps, 5);
    const empty = { ...head, balance: 0, balanceLevel: 'exhausted' } as const;
    const at = deps.now();
    const notices = made.map((kind, n) => {
      const paymentMethodId = kind === 'charged' ? 'pm_1' : null;
      const fix = { id: `f${n}`, githubOrg: 'acme', repoName: 'webshop', prNumber: n + 1 };
      return kind === 'no card' || kind === 'charged'
        ? balanceWarning({ ...empty, paymentMethodId }, {}, noSpending(monthOf(at)), at)
        : fixBlocked(empty, fix, kind, at);
    });
    const all = notices.flatMap((notice) => (notice === null ? [] : [notice]));
    await writeTogether(deps.table, all.map(putNotice));
    const delivered: string[] = [];
    for (const { customerId, id, content } of all)
      delivered.push(await deliverNotice(deps, { customerId, kind: content.kind, id }));
    const subjects = lettersTo(head.email).map(({ subject }) => subject);
    return { head: empty, delivered, subjects };
  }

  it('no credits left and a fix that waits are one letter, with the number of fixes', async () => {
    const { delivered, subjects } = await outcomes('no_billing_info', 'no_billing_info', 'no card');
    expect(delivered).toEqual(['sent', 'muted', 'muted']);
    expect(subjects).toEqual(['RSOLV: no credits left, 2 merged fixes are waiting']);
    const first = await outcomes('no card', 'no_billing_info');
    expect(first.delivered).toEqual(['sent', 'muted']);
    expect(first.subjects).toEqual(['RSOLV: no credits left, 1 merged fix is waiting']);
  });

  it('a letter is no repeat of itself: it is sent although its first delivery began and failed', async () => {
    const { head } = await customerWith(deps, 5);
    const empty = { ...head, balance: 0, balanceLevel: 'exhausted' } as const;
    const blocked = fixBlocked(empty, { ...newFix(1), id: 'f1' }, 'no_billing_info', deps.now());
    await writeTogether(deps.table, [putNotice(blocked)]);
    const name = { customerId: head.customerId, kind: 'fix_blocked', id: blocked.id } as const;
    const { mail, reached, answer } = slowMail();
    const first = deliverNotice({ ...deps, mail }, name);
    await reached;
    // The second delivery reads a notice that is being sent, and finds that it has failed when it claims it.
    const table = beforeTableCall(deps.table, 'TransactWrite', async (nth) => {
      if (nth > 1) return;
      answer.reject(new MailFault('MessageRejected'));
      await expect(first).rejects.toThrow('MessageRejected');
    });
    expect(await deliverNotice({ ...deps, table }, name)).toBe('sent');
    expect(lettersTo(head.email)).toHaveLength(1);
  });

  it('a letter that no blocked fix can repeat costs no query', async () => {
    const { head, keyId } = await customerWith(deps, 5);
    const { customerId } = head;
    const payer = { ...head, balance: 0, balanceLevel: 'exhausted', paymentMethodId: 'pm_1' } as const;
    const at = deps.now();
    const exhausted = balanceWarning(payer, {}, noSpending(monthOf(at)), at);
    if (exhausted !== null) await writeTogether(deps.table, [putNotice(exhausted)]);
    for (const name of [
      { customerId, kind: 'key_issued', id: keyId },
      { customerId, kind: 'exhausted', id: exhausted?.id ?? '' },
    ] as const) {
      const { result, calls } = await countingCalls(deps.table, () => deliverNotice(deps, name));
      expect(result).toBe('sent');
      expect(calls).not.toContain('Query');
    }
  });

  it('of 250 fixes that wait, one has a letter, in whatever order they are delivered', async () => {
    const { head } = await customerWith(deps, 5);
    const empty = { ...head, balance: 0, balanceLevel: 'exhausted' } as const;
    const notices = range(1, 250).map((prNumber) => {
      const fix = { id: `f${prNumber}`, githubOrg: 'acme', repoName: 'webshop', prNumber };
      return fixBlocked(empty, fix, 'no_billing_info', deps.now());
    });
    for (const notice of notices) await writeTogether(deps.table, [putNotice(notice)]);
    const delivered: string[] = [];
    // The last of them by its key is delivered first.
    for (const { customerId, id, content } of [...notices.slice(98, 99), ...notices.slice(0, 3)])
      delivered.push(await deliverNotice(deps, { customerId, kind: content.kind, id }));
    expect(delivered).toEqual(['sent', 'muted', 'muted', 'muted']);
    expect(lettersTo(head.email).map(({ subject }) => subject)).toEqual([
      'RSOLV: no credits left, 100 or more merged fixes are waiting',
    ]);
  });

  it('a fix that waits for another reason has a letter of its own', async () => {
    expect((await outcomes('no card', 'account_disputed')).delivered).toEqual(['sent', 'sent']);
    expect((await outcomes('charged', 'no_billing_info')).delivered).toEqual(['sent', 'sent']);
  });

  it('a fix that waits after another raise, or in another month, has another letter', async () => {
    const { head } = await outcomes('no_billing_info');
    const fix = { id: 'f9', githubOrg: 'acme', repoName: 'webshop', prNumber: 9 };
    const later = new Date(deps.now().getTime() + 32 * DAY_MS);
    const raised = fixBlocked({ ...head, raisedSeq: head.raisedSeq + 1 }, fix, 'no_billing_info', deps.now());
    const nextMonth = fixBlocked(head, fix, 'no_billing_info', later);
    for (const { customerId, id, content, ...rest } of [raised, nextMonth]) {
      await writeTogether(deps.table, [putNotice({ customerId, id, content, ...rest })]);
      expect(await deliverNotice(deps, { customerId, kind: content.kind, id })).toBe('sent');
    }
  });
});
