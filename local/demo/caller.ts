import type { LocalSystem } from '../system.ts';
import type { Tell } from './narrator.ts';

/** Five more than a caller has in a minute. */
const REQUESTS = 105;

/** How the API answered one caller that asked so often in a row, by status. */
export type Answers = ReadonlyMap<number, number>;

/** The API's part of the demo: one caller asks for the health more often than it may. */
export async function askTooOften({ apiUrl }: LocalSystem, tell: Tell): Promise<Answers> {
  const answers = new Map<number, number>();
  let health = '';
  for (let request = 0; request < REQUESTS; request += 1) {
    const response = await fetch(`${apiUrl}/api/health`);
    const body = (await response.json()) as { status: string; detail?: string };
    if (request === 0) health = body.status;
    if (!answers.has(response.status)) tell('Caller', String(response.status), `${apiUrl}/api/health: ${words(body)}`);
    answers.set(response.status, (answers.get(response.status) ?? 0) + 1);
  }
  tell('Caller', 'asked', `${REQUESTS} times in a row (${health}): ${describeAnswers(answers)}`);
  return answers;
}

/** "100 × 200, 5 × 429" */
export function describeAnswers(answers: Answers): string {
  return [...answers].map(([status, count]) => `${count} × ${status}`).join(', ');
}

function words({ status, detail }: { status: string; detail?: string }): string {
  return detail ?? status;
}
