import { printable } from '../printable.ts';
import type { Finding } from './check.ts';

const SIGNS: Readonly<Record<Finding['outcome'], string>> = { passed: '✓', failed: '✗', 'not checked': '–' };

/** One line, and for what failed another that says what to do. */
export function findingText({ name, outcome, what, details = [], to_do: toDo }: Finding): string {
  return [
    `${SIGNS[outcome]} ${name}: ${printable(what)}`,
    ...details.map((detail) => `    ${printable(detail)}`),
    ...(toDo ? [`    → ${printable(toDo)}`] : []),
  ].join('\n');
}

export function summaryText(findings: readonly Finding[]): string {
  const count = (outcome: Finding['outcome']) => findings.filter((finding) => finding.outcome === outcome).length;
  const failed = count('failed');
  const open = count('not checked');
  const rest = open > 0 ? `, ${open} not checked` : '';
  return failed === 0 ? `${count('passed')} passed${rest}.` : `${failed} failed, ${count('passed')} passed${rest}.`;
}
