/**
 * The domain of an address and every domain above it, most specific first: `a.b.example` → itself,
 * `b.example`. Lists of disposable domains name the registered domain, which also receives the mail of its
 * subdomains.
 */
export function domainsOf(email: string): string[] {
  const labels = domainOf(email).toLowerCase().split('.');
  return labels.slice(0, -1).map((_, i) => labels.slice(i).join('.'));
}

/** An address in the form that mail systems use: a domain in another script becomes `xn--…`. */
export function mailForm(email: string): string {
  const domain = domainOf(email);
  const address = `http://${domain}`;
  if (ASCII.test(domain) || !WORDS.test(domain) || !URL.canParse(address)) return email;
  return email.slice(0, -domain.length) + new URL(address).hostname;
}

/**
 * A message for people why an address cannot receive mail; null if it can. The local part is a dot-string of
 * RFC 5321 (section 4.1.2) with the characters of RFC 5322 (section 3.2.3). The domain has two labels or more
 * of RFC 1123 (section 2.1). Quoted local parts are left out: RFC 5321 advises against such mailboxes.
 */
export function emailFault(email: string): string | null {
  const at = email.lastIndexOf('@');
  const labels = domainOf(email).split('.');
  if (at < 1 || labels.length < 2) return NOT_AN_ADDRESS;
  const local = email.slice(0, at);
  if (!ASCII.test(local)) return 'must have only English letters, digits and common signs before the @';
  if (!DOT_STRING.test(local)) return NOT_AN_ADDRESS;
  if (local.length > MAX_LOCAL) return `must have at most ${MAX_LOCAL} characters before the @`;
  if (labels.some((label) => label.startsWith('-') || label.endsWith('-')))
    return 'cannot receive mail: no part of a domain begins or ends with a hyphen';
  if (!labels.every((label) => LABEL.test(label)) || /^\d+$/.test(labels.at(-1) ?? '')) return NOT_AN_ADDRESS;
  const top = labels.at(-1)?.toLowerCase() ?? '';
  const meant = MISTYPED.get(top);
  return meant === undefined
    ? null
    : `cannot receive mail: there is no domain that ends in .${top}. Did you mean .${meant}?`;
}

const NOT_AN_ADDRESS = 'must be an e-mail address, such as name@example.com';
const MAX_LOCAL = 64;
const ASCII = /^[\x20-\x7e]*$/;
/** Letters and digits of any script, as parts of a domain. */
const WORDS = /^[\p{L}\p{M}\p{N}.-]+$/u;
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const DOT_STRING = new RegExp(`^${ATOM}(\\.${ATOM})*$`);
const LABEL = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/**
 * Mistyped top-level domains, none of which exists (IANA's root zone, 2026). Other unknown ones are accepted,
 * because new ones are created.
 */
const MISTYPED: ReadonlyMap<string, string> = new Map([
  ...['con', 'cmo', 'ocm', 'cim', 'cpm', 'vom', 'xom', 'conm', 'comm', 'coom', 'ccom', 'copm', 'coml'].map(
    (top) => [top, 'com'] as const,
  ),
  ...['nte', 'ent', 'nett', 'nwt', 'ney'].map((top) => [top, 'net'] as const),
  ...['ogr', 'rog', 'orgg', 'orq'].map((top) => [top, 'org'] as const),
]);

const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1);
