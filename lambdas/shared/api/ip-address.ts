import { isIPv4, isIPv6 } from 'node:net';

const GROUPS = 8;

/**
 * Whom an address counts as: an IPv4 address as itself, an IPv6 address as its /64, since one household has all of that.
 * An IPv4 address that is written as an IPv6 one is told by its bits, not by its notation: ::ffff:0:0/96 holds IPv4, and
 * whoever masked before looking would count all of IPv4 as one caller (CVE-2026-30827 of express-rate-limit).
 * @returns undefined for what is no address
 */
export function addressBucket(address: string): string | undefined {
  if (isIPv4(address)) return address;
  const [withoutZone = ''] = address.split('%');
  if (!isIPv6(address) || !isIPv6(withoutZone)) return undefined;
  const groups = groupsOf(withoutZone);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return dotted(groups.slice(6));
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight 16-bit groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const before = numbersOf(head);
  const after = numbersOf(tail ?? '');
  const zeros = tail === undefined ? 0 : GROUPS - before.length - after.length;
  return [...before, ...Array<number>(zeros).fill(0), ...after];
}

/** The groups of one side of "::"; its last four bytes may be written as IPv4. */
function numbersOf(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function dotted(groups: readonly number[]): string {
  return groups.flatMap((group) => [group >> 8, group & 0xff]).join('.');
}
